// SPDX-License-Identifier: Apache-2.0
/** The main job on real parts: Debian with Python, docker-registry, the kernel, the programs inside the image. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { debianImage, IMAGE_PROGRAMS } from './src/debian-image.ts'
import { isMounted, READY, startMount } from './src/foreground.ts'
import { mountErofs } from './src/kernel-erofs.ts'
import { type PulledImage, pullNydusImage } from './src/nydus-image.ts'
import { type Registry, startCountingProxy, startDockerRegistry } from './src/registry.ts'
import { must, reasonToSkip, run } from './src/run.ts'
import { compareTrees, type ListedFile, scanTree } from './src/trees.ts'

const PROGRAMS = [...IMAGE_PROGRAMS, 'docker-registry', 'skopeo', 'umoci', 'losetup', 'fsck.erofs', 'chroot']
const skip = reasonToSkip(PROGRAMS)
const work = mkdtempSync(join(tmpdir(), 'nydus-e2e-'))
const at = (name: string) => join(work, name)

let registry: Registry
let source: string
let target: string
let expected: Map<string, ListedFile>
let pulled: PulledImage

function directory(name: string): string {
  mkdirSync(at(name), { recursive: true })
  return at(name)
}

async function convert(to: string): Promise<void> {
  await must([
    'nydus',
    'convert',
    '--source',
    source,
    '--target',
    to,
    '--plain-http',
    '--work-dir',
    at('work'),
  ])
}

describe.skipIf(skip !== undefined)(`a real Debian image${skip === undefined ? '' : ` (${skip})`}`, () => {
  beforeAll(async () => {
    const image = await debianImage()
    registry = await startDockerRegistry(at('registry'))
    source = `${registry.host}/e2e/debian:v1`
    target = `${registry.host}/e2e/debian:nydus`
    const local = `oci:${image.directory}:${image.tag}`
    await must([
      'skopeo',
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      local,
      `docker://${source}`,
    ])
    await must(['umoci', 'unpack', '--image', `${image.directory}:${image.tag}`, at('bundle')])
    expected = await scanTree(at('bundle/rootfs'))
    await convert(target)
    pulled = await pullNydusImage(target, at('pulled'))
  })

  afterAll(async () => {
    for (const name of ['mnt', 'kernel']) await run(['umount', '-l', at(name)])
    await registry?.close()
    rmSync(work, { recursive: true, force: true })
  })

  it('is found equal to its source by the checker, through the library and through a real mount', async () => {
    const checked = await must([
      'nydus',
      'check',
      '--source',
      source,
      '--target',
      target,
      '--plain-http',
      '--work-dir',
      at('output'),
    ])
    expect(checked.status).toBe(0)
    const mounted = await must([
      'nydus',
      'check',
      '--mount',
      '--source',
      source,
      '--target',
      target,
      '--plain-http',
      '--work-dir',
      at('output-mount'),
    ])
    expect(mounted.status).toBe(0)
  })

  it('has the same digests when converted again', async () => {
    await convert(`${registry.host}/e2e/again:nydus`)
    const again = await pullNydusImage(`${registry.host}/e2e/again:nydus`, at('again'))
    expect(again.manifestDigest).toBe(pulled.manifestDigest)
  })

  it('leaves no temporary files behind', () => {
    expect(readdirSync(work).includes('work') ? readdirSync(at('work')) : []).toEqual([])
  })

  it('is mounted lazily, shows every file as the source has it, and runs its programs', async () => {
    const mountpoint = directory('mnt')
    const command = ['nydus', 'mount', target, mountpoint, '--plain-http', '--cache-dir', at('cache')]
    const mount = await startMount(command, mountpoint, READY)
    const script =
      'import json, sqlite3, ssl, asyncio; print(json.dumps([1]), ssl.OPENSSL_VERSION.split()[0])'
    const python = await must(['chroot', mountpoint, '/usr/bin/python3', '-B', '-c', script])
    expect(python.stdout).toBe('[1] OpenSSL\n')
    expect(compareTrees(expected, await scanTree(mountpoint))).toEqual([])
    expect(await mount.stop('SIGINT')).toBe(0)
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('fetches under 3 % of its bytes to read one small file', async () => {
    const proxy = await startCountingProxy(registry.host)
    const mountpoint = directory('mnt')
    const reference = target.replace(registry.host, proxy.host)
    const mount = await startMount(
      ['nydus', 'mount', reference, mountpoint, '--plain-http', '--cache-dir', at('cold')],
      mountpoint,
      READY,
    )
    const before = proxy.bytes()
    expect((await must(['cat', join(mountpoint, 'etc/os-release')])).stdout).toContain('Debian')
    const fetched = proxy.bytes() - before
    expect(await mount.stop('SIGTERM')).toBe(0)
    await proxy.close()
    const imageBytes = pulled.layers.reduce((sum, layer) => sum + layer.size, 0)
    expect(fetched).toBeGreaterThan(0)
    expect(fetched / imageBytes).toBeLessThan(0.03)
  })

  it('is mounted by the kernel itself over the decoded blobs, and passes fsck.erofs', async () => {
    // After the comparison above the cache holds every chunk: its data files are the decoded blobs.
    const blobs = pulled.layers
      .slice(0, -1)
      .map((layer) => decodedBlob(at('cache'), layer.digest.slice('sha256:'.length)))
    await must(['fsck.erofs', ...blobs.map((blob) => `--device=${blob}`), pulled.bootstrap])
    const kernel = await mountErofs(pulled.bootstrap, blobs, directory('kernel'))
    try {
      expect(compareTrees(expected, await scanTree(kernel.mountpoint))).toEqual([])
    } finally {
      await kernel.close()
    }
  })
})

function decodedBlob(cache: string, blobId: string): string {
  const name = `${blobId}.blob.data`
  const found = readdirSync(cache, { recursive: true })
    .map(String)
    .find((path) => path.endsWith(name))
  if (found === undefined) throw new Error(`${name} is not below ${cache}`)
  expect(statSync(join(cache, found)).size % 4096).toBe(0)
  return join(cache, found)
}
