// SPDX-License-Identifier: Apache-2.0
/** Both directions with the original's binaries, when `NYDUS_PEERS` names a directory that has them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IMAGE_PROGRAMS, plainDebianImage } from './src/debian-image.ts'
import { startMount } from './src/foreground.ts'
import { pullNydusImage } from './src/nydus-image.ts'
import { findPeers } from './src/peers.ts'
import { type Registry, startDockerRegistry } from './src/registry.ts'
import { BIN, missingPrograms, must, run } from './src/run.ts'
import { compareTrees, type ListedFile, scanTree } from './src/trees.ts'

const peers = findPeers()
const missing = missingPrograms([...IMAGE_PROGRAMS, 'docker-registry', 'skopeo', 'umoci'])
const reason =
  peers === undefined
    ? 'NYDUS_PEERS is not set: the goldens stand in for the original'
    : missing.length > 0
      ? `not installed: ${missing.join(', ')}`
      : process.getuid?.() === 0
        ? undefined
        : 'root is needed'
if (reason !== undefined)
  process.stderr.write(`\n[nydus] SKIPPED interoperability with the original: ${reason}\n`)

describe.skipIf(reason !== undefined)('interoperability with the original', () => {
  const work = mkdtempSync(join(tmpdir(), 'nydus-interop-'))
  const at = (name: string) => join(work, name)
  const insecure = ['--source-insecure', '--target-insecure']
  const { nydusify = '', nydusImage = '', nydusd = '' } = peers ?? {}
  let registry: Registry
  let source: string
  let expected: Map<string, ListedFile>
  const image = (maker: string) => `${registry.host}/interop/${maker}:nydus`

  beforeAll(async () => {
    const local = await plainDebianImage()
    registry = await startDockerRegistry(at('registry'))
    source = `${registry.host}/interop/source:v1`
    const layout = `${local.directory}:${local.tag}`
    await must([
      'skopeo',
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      `oci:${layout}`,
      `docker://${source}`,
    ])
    await must(['umoci', 'unpack', '--image', layout, at('bundle')])
    expected = await scanTree(at('bundle/rootfs'))
    await must([
      'nydus',
      'convert',
      '--source',
      source,
      '--target',
      image('ours'),
      '--plain-http',
      '--work-dir',
      at('tmp'),
    ])
    const original = [
      '--nydus-image',
      nydusImage,
      '--work-dir',
      at('tmp-original'),
      ...insecure,
      '--plain-http',
    ]
    await must([nydusify, 'convert', '--source', source, '--target', image('original'), ...original])
  })

  afterAll(async () => {
    await run(['umount', '-l', at('mnt')])
    await registry?.close()
    rmSync(work, { recursive: true, force: true })
  })

  it("passes the original's check", async () => {
    const bins = ['--nydus-image', nydusImage, '--nydusd', nydusd, '--work-dir', at('output')]
    await must([nydusify, 'check', '--source', source, '--target', image('ours'), ...insecure, ...bins])
  })

  it("finds the original's image equal to the source", async () => {
    await must(['nydus', 'check', '--source', source, '--target', image('original'), '--plain-http'])
  })

  it("works below the original's nydusify: our nydus-image converts, and with our nydusd it checks", async () => {
    const bins = ['--nydus-image', join(BIN, 'nydus-image')]
    const target = image('mixed')
    const common = ['--source', source, '--target', target, ...insecure, ...bins]
    await must([nydusify, 'convert', ...common, '--plain-http', '--work-dir', at('tmp-mixed')])
    await must(['nydus', 'check', '--source', source, '--target', target, '--plain-http'])
    await must([
      nydusify,
      'check',
      ...common,
      '--nydusd',
      join(BIN, 'nydusd'),
      '--work-dir',
      at('output-mixed'),
    ])
  })

  it.each([
    ['our image', 'ours', "the original's daemon"],
    ["the original's image", 'original', 'our daemon'],
    ['our image', 'ours', 'our daemon'],
  ])('shows %s (%s) as the source is, served by %s', async (_what, maker, reader) => {
    const pulled = await pullNydusImage(image(maker), at(`pulled-${maker}-${reader.replaceAll(/\W/g, '')}`))
    const [mountpoint, cache] = [at('mnt'), at('cache')]
    for (const directory of [mountpoint, cache]) mkdirSync(directory, { recursive: true })
    writeFileSync(at('config.json'), JSON.stringify(daemonConfig(registry.host, `interop/${maker}`, cache)))
    const daemon = reader === 'our daemon' ? 'nydusd' : nydusd
    const files = [
      '--config',
      at('config.json'),
      '--bootstrap',
      pulled.bootstrap,
      '--apisock',
      at('api.sock'),
    ]
    const mount = await startMount(
      [daemon, 'fuse', ...files, '--mountpoint', mountpoint, '--log-level', 'warn'],
      mountpoint,
    )
    const found = await scanTree(mountpoint)
    expect(await mount.stop('SIGTERM')).toBe(0)
    // The cache stays: the next daemon reads what the one before left.
    expect(compareTrees(expected, found)).toEqual([])
  })
})

function daemonConfig(host: string, repo: string, workDir: string): unknown {
  return {
    device: {
      backend: { type: 'registry', config: { scheme: 'http', host, repo } },
      cache: { type: 'blobcache', config: { work_dir: workDir } },
    },
    mode: 'direct',
    digest_validate: false,
    enable_xattr: true,
  }
}
