// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, digestHex, sha256Digest } from '@nydus/base/digest'
import { buildBootstrapLayer } from '@nydus/builder'
import { openBootstrap, walkTree } from '@nydus/rafs-format'
import { type Descriptor, type Manifest, openImageStore } from '@nydus/registry-client'
import { describe, expect, it } from 'vitest'
import { readBootstrapLayer } from '../src/bootstrap-layer.ts'
import { checkImage } from '../src/check-image.ts'
import { formatFinding } from '../src/finding.ts'
import { goldenImage, goldens, pushGolden } from './golden-image.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const SOURCES: Readonly<Record<string, string>> = {
  'mini:oci': 'image-source-mini-oci',
  'mini:docker': 'image-source-mini-docker',
  'mini:multi': 'image-source-mini-multi',
  'bb:oci': 'image-source-bb-oci',
}
/** Images of the original that this version reads, with the platform to check. */
const SOUND: Readonly<Record<string, string>> = {
  'image-default': 'linux/amd64',
  'image-docker-source': 'linux/amd64',
  'image-docker-source-oci': 'linux/amd64',
  'image-merge-platform': 'linux/amd64',
  'image-with-referrer': 'linux/amd64',
  'image-prefetch-dir': 'linux/amd64',
  'image-batch': 'linux/amd64',
  'image-chunk-size': 'linux/amd64',
  'image-lz4': 'linux/amd64',
  'image-none-compressor': 'linux/amd64',
  'image-chunk-dict-registry': 'linux/amd64',
  'image-all-platforms': 'linux/arm64',
  'image-one-platform': 'linux/arm64',
  'image-bb-default': 'linux/amd64',
  'image-v5': 'linux/amd64',
  'image-v5-docker': 'linux/amd64',
  'image-align-v5': 'linux/amd64',
  'image-oci-ref': 'linux/amd64',
  'image-oci-ref-docker': 'linux/amd64',
  'image-bb-oci-ref': 'linux/amd64',
}

describe('checkImage on images that the original made', () => {
  it.each(Object.entries(SOUND))('%s equals its source', async (id, platform) => {
    const { source, target } = await openImages(id)
    const report = await checkImage({ source, target, platform })
    expect(report.findings.map(formatFinding)).toEqual([])
    expect(report.passed).toBe(true)
    expect(report.rules.map(({ rule, status }) => `${rule} ${status}`)).toEqual([
      'manifest passed',
      'bootstrap passed',
      'blob passed',
      'filesystem passed',
    ])
    expect(report.fileCount).toBeGreaterThan(5)
    expect(report.chunkCount).toBeGreaterThan(5)
  })

  it('without a source only the target is checked', async () => {
    const { target } = await openImages('image-default')
    const report = await checkImage({ target, platform: 'linux/amd64' })
    expect(report.passed).toBe(true)
    expect(report.rules.at(-1)).toMatchObject({ rule: 'filesystem', status: 'skipped' })
  })

  it('a target that is no Nydus image is refused', async () => {
    const { source } = await openImages('image-default')
    const check = checkImage({ target: source, platform: 'linux/amd64' })
    await expect(check).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_NYDUS' })
  })

  it('a source that is a Nydus image is refused', async () => {
    const { target } = await openImages('image-default')
    const check = checkImage({ source: target, target, platform: 'linux/amd64' })
    await expect(check).rejects.toMatchObject({ code: 'ERR_IMAGE_IS_NYDUS' })
  })

  it('another source than the one that was converted differs', async () => {
    const { target, directory } = await openImages('image-default')
    const other = `oci:${join(directory, 'other')}:image`
    await pushGolden('image-source-bb-oci', other)
    const { findings } = await checkImage({ source: other, target, platform: 'linux/amd64' })
    expect(findings.map(formatFinding)).toContain('filesystem: /bin: is missing in the target')
    expect(findings.map(formatFinding)).toContain('filesystem: /keep: is not in the source')
  })
})

describe('checkImage on damaged images', () => {
  it('a flipped byte in a blob is found, with the blob and the files that have it', async () => {
    const { source, target, targetDirectory } = await openImages('image-none-compressor')
    const blob = required(goldenImage('image-none-compressor').layers?.[0])
    flipByte(blobPath(targetDirectory, `sha256:${blob.sha256}`), 10)
    const report = await checkImage({ source, target, platform: 'linux/amd64' })
    const lines = report.findings.map(formatFinding)
    expect(report.passed).toBe(false)
    expect(
      lines.some((line) => line.startsWith(`blob: blob ${blob.sha256}: `) && line.includes('digest')),
    ).toBe(true)
    expect(report.findings.some(({ rule, path }) => rule === 'filesystem' && path !== undefined)).toBe(true)
  })

  it('a flipped byte is found without a source too, with the files that have it', async () => {
    const { target, targetDirectory } = await openImages('image-none-compressor')
    const blob = required(goldenImage('image-none-compressor').layers?.[0])
    flipByte(blobPath(targetDirectory, `sha256:${blob.sha256}`), 10)
    const { findings } = await checkImage({ target, platform: 'linux/amd64' })
    expect(findings.some(({ rule, path }) => rule === 'blob' && path !== undefined)).toBe(true)
  })

  it('a flipped byte in a compressed blob is found', async () => {
    const { source, target, targetDirectory } = await openImages('image-bb-default')
    const blob = required(goldenImage('image-bb-default').layers?.[0])
    flipByte(blobPath(targetDirectory, `sha256:${blob.sha256}`), 50_000)
    const { findings } = await checkImage({ source, target, platform: 'linux/amd64' })
    expect(findings.some(({ path }) => path === '/bin/busybox')).toBe(true)
  })

  it('a blob that is not there is found', async () => {
    const { source, target, targetDirectory } = await openImages('image-default')
    const layers = (await readManifest(targetDirectory)).layers
    const manifest = { ...(await readManifest(targetDirectory)), layers: layers.slice(1) }
    await replaceManifest(targetDirectory, manifest)
    const { findings } = await checkImage({ source, target, platform: 'linux/amd64' })
    const lines = findings.map(formatFinding)
    expect(lines).toContain('manifest: target has 4 layers and 5 diff ids')
    expect(lines).toContain(
      `bootstrap: blob ${digestHex(required(layers[0]).digest)} of the bootstrap is no layer of the manifest`,
    )
  })

  it('a bootstrap layer that is not there is found by the manifest rule', async () => {
    const { source, target, targetDirectory } = await openImages('image-default')
    const manifest = await readManifest(targetDirectory)
    await replaceManifest(targetDirectory, { ...manifest, layers: manifest.layers.slice(0, -1) })
    const report = await checkImage({ source, target, platform: 'linux/amd64' })
    expect(report.findings.map(formatFinding)).toContain('manifest: the last layer is no bootstrap layer')
    expect(report.passed).toBe(false)
  })

  it('one changed mode is found, with its path', async () => {
    const { source, target, targetDirectory } = await openImages('image-default')
    await rewriteBootstrap(targetDirectory, (bytes) => {
      for (const { path, inode } of walkTree(openBootstrap(bytes))) {
        if (path.map((name) => Buffer.from(name).toString()).join('/') !== 'keep/file2') continue
        // i_mode of an extended inode is at byte 4.
        new DataView(bytes.buffer, bytes.byteOffset).setUint16(
          inode.bootstrapOffset + 4,
          inode.mode ^ 0o020,
          true,
        )
      }
    })
    const { findings } = await checkImage({ source, target, platform: 'linux/amd64' })
    expect(findings.map(formatFinding)).toEqual(['filesystem: /keep/file2: mode is 0664, expected 0644'])
  })

  it('a bootstrap that is none is found by its rule', async () => {
    const { source, target, targetDirectory } = await openImages('image-default')
    await rewriteBootstrap(targetDirectory, (bytes) => bytes.fill(0))
    const report = await checkImage({ source, target, platform: 'linux/amd64' })
    expect(report.passed).toBe(false)
    expect(report.rules).toContainEqual(expect.objectContaining({ rule: 'bootstrap', status: 'failed' }))
    expect(report.rules).toContainEqual(expect.objectContaining({ rule: 'filesystem', status: 'skipped' }))
  })

  it('a bootstrap layer whose content is not its digest is found', async () => {
    const { source, target, targetDirectory } = await openImages('image-default')
    const layer = required((await readManifest(targetDirectory)).layers.at(-1))
    flipByte(blobPath(targetDirectory, layer.digest), 100)
    const { findings } = await checkImage({ source, target, platform: 'linux/amd64' })
    expect(
      findings
        .map(formatFinding)
        .some((line) => line.startsWith(`bootstrap: bootstrap layer ${layer.digest}`)),
    ).toBe(true)
  })

  it('a config whose content is not its digest is found by the manifest rule', async () => {
    const { source, target, targetDirectory } = await openImages('image-default')
    const { config } = await readManifest(targetDirectory)
    flipByte(blobPath(targetDirectory, config.digest), 20)
    const { findings } = await checkImage({ source, target, platform: 'linux/amd64' })
    expect(findings[0]).toMatchObject({ rule: 'manifest', message: expect.stringContaining(config.digest) })
  })

  it('a damaged source is an error, not a finding', async () => {
    const { source, target, directory } = await openImages('image-default')
    const layer = required(goldenImage('image-source-mini-oci').layers?.[0])
    flipByte(blobPath(join(directory, 'source'), `sha256:${layer.sha256}`), 200)
    await expect(checkImage({ source, target, platform: 'linux/amd64' })).rejects.toHaveProperty('code')
  })

  it('an abort rejects with its reason', async () => {
    const { source, target } = await openImages('image-default')
    const reason = new Error('enough')
    const check = checkImage({ source, target, platform: 'linux/amd64', signal: AbortSignal.abort(reason) })
    await expect(check).rejects.toBe(reason)
  })
})

async function openImages(id: string) {
  const directory = temporaryDirectory()
  const targetDirectory = join(directory, 'target')
  // Images that refer to the source's layers lie where these are.
  const source = id.includes('oci-ref')
    ? `oci:${targetDirectory}:source`
    : `oci:${join(directory, 'source')}:image`
  const target = `oci:${targetDirectory}:image`
  await pushGolden(required(SOURCES[goldens.fixture(id).source ?? '']), source)
  await pushGolden(id, target)
  return { directory, source, target, targetDirectory }
}

function blobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', 'sha256', digestHex(digest))
}

function flipByte(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x40, offset)
  writeFileSync(path, bytes)
}

async function readManifest(directory: string): Promise<Manifest> {
  const store = openImageStore(`oci:${directory}:image`)
  const { document } = await store.manifest(await store.resolve())
  return document as Manifest
}

/** Writes a manifest and points the layout's tag at it, without any check. */
async function replaceManifest(directory: string, manifest: Manifest): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(manifest))
  const digest = sha256Digest(bytes)
  writeFileSync(blobPath(directory, digest), bytes)
  const path = join(directory, 'index.json')
  const index = JSON.parse(readFileSync(path, 'utf8')) as { manifests: Descriptor[] }
  const manifests = index.manifests.map((entry) => ({ ...entry, digest, size: bytes.length }))
  writeFileSync(path, JSON.stringify({ ...index, manifests }))
}

/** Changes the bootstrap and everything that has its digest. */
async function rewriteBootstrap(directory: string, change: (bytes: Uint8Array) => void): Promise<void> {
  const store = openImageStore(`oci:${directory}:image`)
  const manifest = await readManifest(directory)
  const old = await readBootstrapLayer(store, required(manifest.layers.at(-1)))
  change(old.bootstrap)
  const blobMetas = [...old.blobMetas].map(([blobId, bytes]) => ({ blobId, bytes }))
  const layer = await buildBootstrapLayer({ bootstrap: old.bootstrap, blobMetas })
  writeFileSync(blobPath(directory, layer.digest), layer.bytes)
  const config = JSON.parse(readFileSync(blobPath(directory, manifest.config.digest), 'utf8')) as {
    rootfs: { diff_ids: string[] }
  }
  config.rootfs.diff_ids = [...config.rootfs.diff_ids.slice(0, -1), layer.diffId]
  const configBytes = Buffer.from(JSON.stringify(config))
  writeFileSync(blobPath(directory, sha256Digest(configBytes)), configBytes)
  await replaceManifest(directory, {
    ...manifest,
    config: { ...manifest.config, digest: sha256Digest(configBytes), size: configBytes.length },
    layers: manifest.layers.map((entry, i) =>
      i === manifest.layers.length - 1 ? { ...entry, digest: layer.digest, size: layer.size } : entry,
    ),
  })
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing')
  return value
}
