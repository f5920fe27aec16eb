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
import {
  type BuildLayerOptions,
  buildLayer,
  createChunkPool,
  type LayerBuild,
  openChunkDict,
} from '../../src/index.ts'
import {
  type Fixture,
  fixtureOf,
  manifest,
  optionOf,
  readOutput,
  readStored,
  type Stored,
} from '../fixture-store.ts'
import { memorySink, pieces } from '../layer-bytes.ts'

/** liblz4's choice of matches differs from our binding's; zstd 1.5.7 stores one bootstrap in a byte more than 1.5.6. */
const OTHER_BLOB_BYTES = /lz4|^mixed-v6-inline-toc(-none)?$/
/** And two or more xattrs of a file come in random order. */
const OTHER_BOOTSTRAP_BYTES = /lz4|^xattrs-tar-v6$|^quirk-two-xattrs-tar-v6$|^quirk-hardlink-meta-tar-v6$/
/** What this builder does not do: encryption, batches, parents. */
const OTHER_OPTIONS = ['-E', '--batch-size', '--parent-bootstrap']

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())

type InlineFixture = Fixture & { readonly inline_bootstrap?: Stored }

function isBuildable(fixture: Fixture): boolean {
  const { command, exit, kind, outputs, source } = fixture
  if (!kind.startsWith('create') || exit !== 0 || outputs?.blob?.path === undefined) return false
  if (OTHER_OPTIONS.some((option) => command.includes(option))) return false
  if (optionOf(fixture, '-t', '--type') !== 'tar-rafs' || !source?.includes('.tar')) return false
  const bootstrap = goldenBootstrap(fixture)
  return bootstrap !== undefined && Buffer.from(bootstrap.subarray(1024, 1028)).readUInt32LE() === 0xe0f5e1e2
}

function goldenBootstrap(fixture: InlineFixture): Uint8Array | undefined {
  const stored = fixture.inline_bootstrap ?? fixture.outputs?.bootstrap
  return stored?.path === undefined ? undefined : readStored(stored)
}

function readSource(fixture: Fixture): Uint8Array {
  const name = (fixture.source as string).replace('trees/', '')
  const forms = manifest as unknown as {
    readonly compressed_forms: readonly (Stored & { tree: string; variant: string })[]
  }
  const form = forms.compressed_forms.find(({ tree, variant }) => `${tree}.${variant}` === name)
  const tree = manifest.trees.find((candidate) => `${candidate.name}.tar` === name)
  const stored = form ?? tree?.tar
  if (stored === undefined) throw new Error(`no source ${name}`)
  return readStored(stored)
}

function optionsOf(fixture: Fixture): Omit<BuildLayerOptions, 'pool' | 'sink'> {
  const dict = optionOf(fixture, '--chunk-dict')?.match(/out\/([^/]+)\//)?.[1]
  const blobId = optionOf(fixture, '--blob-id')
  return {
    compressor: (optionOf(fixture, '--compressor') ?? 'zstd') as 'zstd' | 'lz4_block' | 'none',
    digester: (optionOf(fixture, '--digester') ?? 'blake3') as 'blake3' | 'sha256',
    chunkSize: Number(optionOf(fixture, '--chunk-size') ?? 0x100000),
    blobInlineMeta: fixture.command.includes('--blob-inline-meta'),
    blobToc: fixture.command.includes('blob-toc'),
    prefetchPatterns:
      optionOf(fixture, '--prefetch-policy') === 'fs' ? (fixture.stdin ?? '').split('\n') : [],
    ...(blobId === undefined ? {} : { blobId }),
    ...(dict === undefined ? {} : { dict: openChunkDict(readOutput(fixtureOf(dict), 'bootstrap')) }),
  }
}

async function rebuild(fixture: Fixture): Promise<{ layer: LayerBuild; blob: Buffer }> {
  const sink = memorySink()
  const layer = await buildLayer(pieces(readSource(fixture), 100_000), { ...optionsOf(fixture), pool, sink })
  return { layer, blob: sink.bytes() }
}

const fixtures = manifest.fixtures.filter(isBuildable)

describe('buildLayer gives the bytes of the original', () => {
  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))('%s', async (id, fixture) => {
    const { layer, blob } = await rebuild(fixture)
    const golden = readOutput(fixture, 'blob')
    if (!OTHER_BLOB_BYTES.test(id)) expect(Buffer.compare(blob, golden)).toBe(0)
    else expect(Buffer.compare(blob, golden)).not.toBe(0)
    if (!OTHER_BOOTSTRAP_BYTES.test(id))
      expect(Buffer.compare(layer.bootstrap, goldenBootstrap(fixture) as Uint8Array)).toBe(0)
    expect(layer.size).toBe(blob.length)
    if (!OTHER_BLOB_BYTES.test(id)) {
      const ids = optionOf(fixture, '--blob-id') === undefined && layer.hasData ? [layer.runningId] : []
      expect(fixture.blob_ids).toEqual(expect.arrayContaining(ids))
    }
  })

  it('covers the fixtures that exist', () => {
    expect(fixtures.length).toBeGreaterThan(75)
    expect(fixtures.filter(({ id }) => OTHER_BLOB_BYTES.test(id)).length).toBeLessThan(8)
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
    fixtures.filter(({ id }) => OTHER_BLOB_BYTES.test(id)).map((fixture) => [fixture.id, fixture] as const),
  )('%s', async (_id, fixture) => {
    const { layer, blob } = await rebuild(fixture)
    const golden = readOutput(fixture, 'blob')
    const [ours, theirs] = [layer.bootstrap, goldenBootstrap(fixture) as Uint8Array].map(openBootstrap)
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
    const { layer, blob } = await rebuild(fixtureOf('layers-layer0-v6-layer'))
    const sections = locateBlobSections(blob.subarray(-blobTailSize(blob.length)), blob.length)
    const boot = sections.find('image.boot')
    if (boot === undefined) throw new Error('no bootstrap section')
    const stored = blob.subarray(boot.compressedOffset, boot.compressedOffset + boot.compressedSize)
    expect(
      Buffer.compare(decompressExact(boot.compressor, stored, boot.uncompressedSize), layer.bootstrap),
    ).toBe(0)
  })
})
