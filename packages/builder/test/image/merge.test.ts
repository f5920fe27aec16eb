// SPDX-License-Identifier: Apache-2.0
import { decompressExact } from '@nydus/base/compress'
import { sha256Digest } from '@nydus/base/digest'
import { blobTailSize, locateBlobSections, openBootstrap, walkTree } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { writeBootstrap } from '../../src/bootstrap/write-bootstrap.ts'
import { type MergeOptions, mergeLayers } from '../../src/image/merge.ts'
import type { MergeSource } from '../../src/image/merge-source.ts'
import type { TarEntry } from '../../src/tar/entry.ts'
import { readTar } from '../../src/tar/read-tar.ts'
import { displayPath } from '../../src/tree/byte-name.ts'
import { createLayerTree } from '../../src/tree/layer-tree.ts'
import { type Fixture, fixtureOf, manifest, optionOf, readOutput, readTree } from '../fixture-store.ts'
import { cutChunks } from '../golden-chunks.ts'
import { stream } from '../tar-bytes.ts'
import { blobOf, entry, link } from '../tree-builder.ts'

/** All recorded bootstraps by digest: those of their own and those inside layer blobs. */
const bootstraps = new Map<string, Uint8Array>()
for (const fixture of manifest.fixtures) {
  const { bootstrap, blob } = fixture.outputs ?? {}
  if (!fixture.kind.startsWith('create')) continue
  if (bootstrap?.path !== undefined) bootstraps.set(bootstrap.sha256, readOutput(fixture, 'bootstrap'))
  if (blob?.path === undefined || !fixture.command.includes('--blob-inline-meta')) continue
  const embedded = embeddedBootstrap(readOutput(fixture, 'blob'))
  bootstraps.set(sha256Digest(embedded).slice('sha256:'.length), embedded)
}

function embeddedBootstrap(blob: Uint8Array): Uint8Array {
  const tail = blob.subarray(blob.length - blobTailSize(blob.length))
  const section = locateBlobSections(tail, blob.length).find('image.boot')
  if (section === undefined) throw new Error('no bootstrap in the blob')
  const stored = blob.slice(section.compressedOffset, section.compressedOffset + section.compressedSize)
  return section.compressor === 'none'
    ? stored
    : decompressExact(section.compressor, stored, section.uncompressedSize)
}

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const listOf = (fixture: Fixture, name: string) => optionOf(fixture, name)?.split(',')

function sourcesOf(fixture: Fixture): MergeSource[] {
  const digests = listOf(fixture, '--blob-digests')
  const originals = listOf(fixture, '--original-blob-ids')
  return (fixture.sources ?? []).map(({ path, sha256 }, i) => {
    const bootstrap = bootstraps.get(sha256)
    if (bootstrap === undefined) throw new Error(`no bootstrap ${sha256} (${path})`)
    const overrides = {
      ...(digests && { blobDigest: digests[i] as string }),
      ...(originals && { originalBlobId: originals[i] as string }),
    }
    return { bootstrap, blobId: baseName(path), overrides }
  })
}

function optionsOf(fixture: Fixture): MergeOptions {
  const withPrefetch = optionOf(fixture, '--prefetch-policy') === 'fs'
  const parent = optionOf(fixture, '--parent-bootstrap')
  const dict = optionOf(fixture, '--chunk-dict')?.match(/out\/([^/]+)\//)?.[1]
  return {
    prefetchPatterns: withPrefetch ? (fixture.stdin ?? '').split('\n') : [],
    ...(parent && { parent: { bootstrap: separateBootstrap(baseName(parent)), blobId: baseName(parent) } }),
    ...(dict && { chunkDict: readOutput(fixtureOf(dict), 'bootstrap') }),
  }
}

function separateBootstrap(blobId: string): Uint8Array {
  const owner = manifest.fixtures.find(({ blob_ids, id }) => blob_ids?.[0] === blobId && id.endsWith('-sep'))
  if (owner === undefined) throw new Error(`no bootstrap of blob ${blobId}`)
  return readOutput(owner, 'bootstrap')
}

const goldens = manifest.fixtures.filter(({ kind, exit }) => kind === 'merge' && exit === 0)
/** Merges whose bytes differ unless implied directories replace lower ones, as they wrongly do in the original. */
const WITH_IMPLIED_DIRECTORY = /^(layers|own)-merge-v[56]-two$/

describe('mergeLayers gives the bytes of the original', () => {
  it.each(goldens.map((fixture) => [fixture.id, fixture] as const))('%s', (id, fixture) => {
    const golden = readOutput(fixture, 'bootstrap')
    const options = optionsOf(fixture)
    const replaced = mergeLayers(sourcesOf(fixture), { ...options, impliedDirectories: 'replace' })
    expect(Buffer.compare(replaced.bootstrap, golden)).toBe(0)
    expect(replaced.blobIds).toEqual(fixture.blob_ids)
    expect(replaced.blobs.map(({ blobId }) => blobId)).toEqual(fixture.blob_ids)
    const kept = mergeLayers(sourcesOf(fixture), options)
    expect(Buffer.compare(kept.bootstrap, golden) === 0).toBe(!WITH_IMPLIED_DIRECTORY.test(id))
  })

  it('covers the fixtures that exist', () => expect(goldens.length).toBe(30))
})

describe('hard links into lower layers', () => {
  async function layerOf(
    entries: AsyncIterable<TarEntry> | readonly TarEntry[],
    blobId: string,
  ): Promise<MergeSource> {
    const tree = createLayerTree()
    const chunksOf = cutChunks(4096, 'sha256')
    for await (const each of entries) tree.addEntry(each, each.kind === 'file' ? await chunksOf(each) : [])
    tree.finish()
    const size = Array.from({ length: tree.chunks.count }, (_, i) => tree.chunks.get(i)).reduce(
      (end, { uncompressedOffset }) => Math.max(end, uncompressedOffset + 4096),
      0,
    )
    const blobs = size === 0 ? [] : [blobOf(size, tree.chunks.count)]
    return {
      bootstrap: writeBootstrap({ tree, blobs, chunkSize: 4096, compressor: 'none', digester: 'sha256' }),
      blobId,
    }
  }
  const fromTree = (name: string, blobId: string) => layerOf(readTar(stream([readTree(name)])), blobId)
  const inodesOf = (bytes: Uint8Array) =>
    new Map([...walkTree(openBootstrap(bytes))].map(({ path, inode }) => [displayPath(path), inode]))

  it('share the inode of the lower layer', async () => {
    const merged = mergeLayers([
      await fromTree('layer0', '1'.repeat(64)),
      await fromTree('layer-hl', '2'.repeat(64)),
    ])
    const inodes = inodesOf(merged.bootstrap)
    const target = inodes.get('/keep/file')
    expect(inodes.get('/cross-link')).toEqual(target)
    expect([target?.nlink, target?.size, target?.xattrSize]).toEqual([2, 10, 0])
  })

  it('survive the whiteout of their target in the same layer', async () => {
    const upper = [link('hardlink', 'renamed', 'keep/file'), entry('file', 'keep/.wh.file')]
    const merged = mergeLayers([
      await fromTree('layer0', '1'.repeat(64)),
      await layerOf(upper, '2'.repeat(64)),
    ])
    const inodes = inodesOf(merged.bootstrap)
    expect(inodes.has('/keep/file')).toBe(false)
    expect([inodes.get('/renamed')?.size, inodes.get('/renamed')?.nlink]).toEqual([10, 1])
  })

  it.each(['nowhere', 'keep'])('are refused when the target is %s', async (target) => {
    const layers = [
      await fromTree('layer0', '1'.repeat(64)),
      await layerOf([link('hardlink', 'h', target)], '2'.repeat(64)),
    ]
    expect(() => mergeLayers(layers)).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_UNSUPPORTED_ENTRY' }),
    )
    expect(() => mergeLayers(layers.slice(1))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_UNSUPPORTED_ENTRY' }),
    )
  })
})

describe('mergeLayers', () => {
  const layers = () => sourcesOf(fixtureOf('layers-merge-v6-layers'))

  it('gives the same bytes again', () => {
    expect(Buffer.compare(mergeLayers(layers()).bootstrap, mergeLayers(layers()).bootstrap)).toBe(0)
  })

  it('takes compressor and digester of the last layer, and keeps those of each blob', () => {
    const bottom = {
      bootstrap: readOutput(fixtureOf('layers-layer0-v6-sep'), 'bootstrap'),
      blobId: '1'.repeat(64),
    }
    const top = { bootstrap: readOutput(fixtureOf('layer1-v6-sha256'), 'bootstrap'), blobId: '2'.repeat(64) }
    const merged = openBootstrap(mergeLayers([bottom, top]).bootstrap)
    expect(merged.digester).toBe('sha256')
    expect(merged.blobs.map(({ blobId, digester }) => [blobId[0], digester]).sort()).toEqual([
      ['1', 'blake3'],
      ['2', 'sha256'],
    ])
  })

  const bootstrapOf = (id: string) => readOutput(fixtureOf(id), 'bootstrap')
  const named = (digit: string, id: string): MergeSource => ({
    bootstrap: bootstrapOf(id),
    blobId: digit.repeat(64),
  })

  it.each([
    ['chunk size', 'layers-layer0-v6-sep', 'layer1-v6-chunk', 0x10_0000, 0x1_0000],
    ['RAFS version', 'layers-layer0-v5-sep', 'layers-layer1-v6-sep', 5, 6],
    ['recording of owners', 'mixed-v6-repeatable', 'layers-layer1-v6-sep', false, true],
    [
      'digest algorithm of RAFS v5',
      'mixed-tar-v5-zstd-sha256',
      'mixed-tar-v5-zstd-blake3',
      'sha256',
      'blake3',
    ],
    ['tarfs mode', 'layers-layer1-v6-sep', 'types-tarfs', false, true],
  ])('refuses layers that differ in %s', (what, below, above, expected, found) => {
    const mismatch = { code: 'ERR_BUILD_LAYER_MISMATCH', details: { what, expected, found } }
    const [bottom, top] = [named('1', below), named('2', above)]
    expect(() => mergeLayers([bottom, top])).toThrow(expect.objectContaining(mismatch))
    expect(() => mergeLayers([top], { parent: bottom })).toThrow(expect.objectContaining(mismatch))
    expect(() => mergeLayers([top], { chunkDict: bottom.bootstrap })).toThrow(
      expect.objectContaining(mismatch),
    )
  })

  it('refuses nothing, and tarfs layers on top of something else', () => {
    const conflict = expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' })
    const tarfs = named('1', 'types-tarfs')
    expect(() => mergeLayers([])).toThrow(conflict)
    expect(() => mergeLayers([], { parent: layers()[0] as MergeSource })).toThrow(conflict)
    expect(() => mergeLayers([tarfs], { parent: tarfs })).toThrow(conflict)
    expect(() => mergeLayers([tarfs], { chunkDict: tarfs.bootstrap })).toThrow(conflict)
  })

  it('refuses a layer with several blobs of its own', () => {
    const image = mergeLayers(layers())
    const source = { bootstrap: image.bootstrap, blobId: '1'.repeat(64) }
    const conflict = expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' })
    expect(() => mergeLayers([source], { chunkDict: bootstrapOf('dict-source-v6') })).toThrow(conflict)
    expect(() => mergeLayers([{ ...source, overrides: { blobSize: 1 } }])).toThrow(conflict)
    // Without a dictionary they may all be somebody else's.
    expect(mergeLayers([source]).blobIds).toEqual(image.blobIds)
  })

  it.each(['abc', 'g'.repeat(64), ''])('refuses the digest %j', (digest) => {
    const [layer] = layers() as [MergeSource]
    const conflict = expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' })
    expect(() => mergeLayers([{ ...layer, overrides: { blobDigest: digest } }])).toThrow(conflict)
    expect(() => mergeLayers([{ ...layer, overrides: { tocDigest: digest } }])).toThrow(conflict)
  })

  it('writes what is known of a blob into its entry', () => {
    const [layer] = layers() as [MergeSource]
    const hex = 'ab'.repeat(32)
    const overrides = { blobDigest: hex.toUpperCase(), blobSize: 4711, tocDigest: hex, tocSize: 640 }
    const merged = openBootstrap(mergeLayers([{ ...layer, overrides }]).bootstrap)
    expect(merged.blobs).toEqual([
      expect.objectContaining({
        blobId: hex,
        compressedSize: 4711,
        tocDigest: new Uint8Array(32).fill(0xab),
        tocSize: 640,
      }),
    ])
  })

  it('keeps the ids of blobs that can be read', () => {
    const source = named('1', 'layers-layer0-v6-sep')
    expect(mergeLayers([source]).blobIds).toEqual(['1'.repeat(64)])
    const kept = mergeLayers([source], { blobsAccessible: true })
    expect(kept.blobIds).toEqual(fixtureOf('layers-layer0-v6-sep').blob_ids)
  })

  it('merges layers without data into a bootstrap without blobs', () => {
    const empty = { bootstrap: readOutput(fixtureOf('empty-tar-v6'), 'bootstrap'), blobId: '1'.repeat(64) }
    const merged = mergeLayers([empty, empty], { prefetchPatterns: ['/'] })
    expect(merged.blobIds).toEqual([])
    expect(openBootstrap(merged.bootstrap).prefetchNids()).toEqual([])
  })
})
