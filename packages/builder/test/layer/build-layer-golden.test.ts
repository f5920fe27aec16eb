// SPDX-License-Identifier: Apache-2.0
/** Blobs and bootstraps of the original builder from the same layers, byte for byte. */
import { decompressExact } from '@nydus/base/compress'
import {
  type BlobInfo,
  blobTailSize,
  decodeBlobMetaHeader,
  locateBlobSections,
  openBlobMeta,
  openBootstrap,
} from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { buildLayer, createChunkPool } from '../../src/index.ts'
import {
  type Fixture,
  fixtureOf,
  manifest,
  optionOf,
  readOutput,
  readStored,
  type Stored,
} from '../fixture-store.ts'
import { fsVersionOf, goldenBootstrap, isBuild, rebuildLayer } from '../golden-builds.ts'
import { memorySink, pieces } from '../layer-bytes.ts'

/** liblz4's choice of matches differs from our binding's; zstd 1.5.7 stores one bootstrap in a byte more than 1.5.6. */
const OTHER_BLOB_BYTES = /lz4|^mixed-v6-inline-toc(-none)?$/
/**
 * Two or more xattrs of a file come in random order; hard links are one inode here, with one mode, owner and mtime; and the
 * bootstrap of a v5 hard link with xattrs is refused by the original itself.
 */
const OTHER_BOOTSTRAP_BYTES =
  /lz4|^xattrs-tar-|^quirk-two-xattrs-tar-|^quirk-hardlink-(meta-tar-v[56]|xattr-tar-v5)$/
/** With a parent, the original puts the new chunks of a tar into the parent's blob: build-layer-parent.test.ts. */
const WRONG_PARENTS = /^own-chain[12]-/

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())

const fixtures = manifest.fixtures.filter(
  (fixture) => isBuild(fixture, 'tar') && !WRONG_PARENTS.test(fixture.id),
)

describe('buildLayer gives the bytes of the original', () => {
  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))('%s', async (id, fixture) => {
    const { build: layer, blob } = await rebuildLayer(fixture, pool)
    const golden = readOutput(fixture, 'blob')
    if (!OTHER_BLOB_BYTES.test(id)) expect(Buffer.compare(blob, golden)).toBe(0)
    else expect(Buffer.compare(blob, golden)).not.toBe(0)
    if (!OTHER_BOOTSTRAP_BYTES.test(id))
      expect(Buffer.compare(layer.bootstrap, goldenBootstrap(fixture))).toBe(0)
    expect(layer.size).toBe(blob.length)
    if (!OTHER_BLOB_BYTES.test(id)) {
      const ids = optionOf(fixture, '--blob-id') === undefined && layer.hasData ? [layer.runningId] : []
      expect(fixture.blob_ids).toEqual(expect.arrayContaining(ids))
    }
  })

  it('covers the fixtures that exist', () => {
    expect(fixtures.filter((fixture) => fsVersionOf(fixture) === 6).length).toBeGreaterThan(75)
    expect(fixtures.filter((fixture) => fsVersionOf(fixture) === 5).length).toBeGreaterThan(70)
    expect(fixtures.filter(({ id }) => OTHER_BLOB_BYTES.test(id)).length).toBeLessThan(12)
  })
})

/** Every chunk of a blob, decoded; and the parts of its records that do not depend on compression. */
function contentsOf(blob: Uint8Array, info: BlobInfo): unknown[] {
  const stored = blob.subarray(info.metaOffset, info.metaOffset + info.metaCompressedSize)
  const array = decompressExact(info.metaCompressor, stored, info.metaUncompressedSize)
  const header = decodeBlobMetaHeader(blob, info.metaOffset + info.metaCompressedSize)
  const meta = openBlobMeta(array, header)
  return Array.from({ length: meta.chunkCount }, (_, i) => {
    const chunk = meta.chunk(i)
    const bytes = blob.subarray(chunk.compressedOffset, chunk.compressedOffset + chunk.compressedSize)
    const plain = chunk.compressed ? decompressExact(info.compressor, bytes, chunk.uncompressedSize) : bytes
    return [chunk.uncompressedOffset, chunk.uncompressedSize, Buffer.from(plain).toString('base64')]
  })
}

describe('blobs of other bytes hold the same', () => {
  it.each(
    fixtures
      .filter((fixture) => OTHER_BLOB_BYTES.test(fixture.id) && fsVersionOf(fixture) === 6)
      .map((fixture) => [fixture.id, fixture] as const),
  )('%s', async (_id, fixture) => {
    const { build: layer, blob } = await rebuildLayer(fixture, pool)
    const golden = readOutput(fixture, 'blob')
    const [ours, theirs] = [layer.bootstrap, goldenBootstrap(fixture)].map(openBootstrap)
    const describeBlob = (info: BlobInfo | undefined) => ({
      ...info,
      blobId: '',
      compressedSize: 0,
      metaOffset: 0,
      metaCompressedSize: 0,
    })
    expect(ours?.blobs.map(describeBlob)).toEqual(theirs?.blobs.map(describeBlob))
    expect(contentsOf(blob, ours?.blobs[0] as BlobInfo)).toEqual(
      contentsOf(golden, theirs?.blobs[0] as BlobInfo),
    )
    const digestsOf = (bootstrap: typeof ours) =>
      [...(bootstrap?.chunkTable() ?? [])].map(({ digest, crc32c }) => [
        Buffer.from(digest).toString('hex'),
        crc32c,
      ])
    expect(digestsOf(ours)).toEqual(digestsOf(theirs))
  })
})

describe('layers of converted images', () => {
  interface Image {
    readonly layers?: readonly (Stored & { readonly media_type: string })[]
  }
  const image = (id: string) => (fixtureOf(id) as Fixture & { readonly image: Image }).image.layers ?? []

  it('equal those of image-default', async () => {
    const source =
      (fixtureOf('image-source-mini-oci') as Fixture & { readonly image: Image }).image.layers ?? []
    const golden = image('image-default').slice(0, -1)
    expect(golden.length).toBe(source.length)
    for (const [i, stored] of golden.entries()) {
      const sink = memorySink()
      const layer = await buildLayer(pieces(readStored(source[i] as Stored)), {
        pool,
        sink,
        prefetchPatterns: ['/'],
      })
      expect([i, layer.blobId, layer.size]).toEqual([i, stored.sha256, stored.size])
      expect(Buffer.compare(sink.bytes(), readStored(stored))).toBe(0)
    }
  })

  it('end with a table of contents that leads to the bootstrap', async () => {
    const { build: layer, blob } = await rebuildLayer(fixtureOf('layers-layer0-v6-layer'), pool)
    const sections = locateBlobSections(blob.subarray(-blobTailSize(blob.length)), blob.length)
    const boot = sections.find('image.boot')
    if (boot === undefined) throw new Error('no bootstrap section')
    const stored = blob.subarray(boot.compressedOffset, boot.compressedOffset + boot.compressedSize)
    expect(
      Buffer.compare(decompressExact(boot.compressor, stored, boot.uncompressedSize), layer.bootstrap),
    ).toBe(0)
  })
})
