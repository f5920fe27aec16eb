// SPDX-License-Identifier: Apache-2.0
/** Meta blobs and bootstraps of the original builder for layers that stay as they are, byte for byte. */
import { codecOf } from '@nydus/base/compress'
import { BLOB_META_HEADER_BYTES, decodeBlobMetaHeader } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { buildZranLayer, createChunkPool, type ZranBuild } from '../../src/index.ts'
import { type Fixture, fixtureOf, manifest, optionOf, readOutput } from '../fixture-store.ts'
import { goldenBootstrap, readSource } from '../golden-source.ts'
import { memorySink, pieces } from '../layer-bytes.ts'
import { differingFiles } from '../tree-files.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())

/**
 * The original starts contexts behind the last block of a gzip member, where there is nothing to inflate: it cannot read
 * what it wrote of these.
 */
const BROKEN_CONTEXTS = /estargz/
/** zstd 1.5.7 finds a match more than 1.5.6. */
const OTHER_COMPRESSION = /zran-flush/

const fixtures = manifest.fixtures.filter(
  ({ kind, exit, command }) => kind === 'create' && exit === 0 && /^(es)?targz-ref$/.test(command[3] ?? ''),
)

async function rebuild(fixture: Fixture): Promise<{ readonly layer: ZranBuild; readonly blob: Buffer }> {
  const sink = memorySink()
  const layer = await buildZranLayer(pieces(readSource(fixture), 100_000), {
    pool,
    sink,
    chunkSize: Number(optionOf(fixture, '--chunk-size') ?? 0x100000),
    blobInlineMeta: fixture.command.includes('--blob-inline-meta'),
    blobToc: fixture.command.includes('blob-toc'),
  })
  return { layer, blob: sink.bytes() }
}

function chunkArray(file: Uint8Array): Buffer {
  const header = decodeBlobMetaHeader(file, file.length - BLOB_META_HEADER_BYTES)
  const stored = file.subarray(header.metaOffset, header.metaOffset + header.metaCompressedSize)
  return Buffer.from(codecOf(header.compressor).decompress(stored, header.metaUncompressedSize))
}

describe('buildZranLayer', () => {
  it.each(
    fixtures.filter(({ id }) => !BROKEN_CONTEXTS.test(id)).map((fixture) => [fixture.id, fixture] as const),
  )('%s has the bytes of the original', async (id, fixture) => {
    const { layer, blob } = await rebuild(fixture)
    expect([layer.blobId]).toEqual(fixture.blob_ids)
    const golden = readOutput(fixture, 'blob')
    if (OTHER_COMPRESSION.test(id)) {
      expect(chunkArray(blob).equals(chunkArray(golden))).toBe(true)
      return
    }
    expect(blob.equals(golden)).toBe(true)
    expect(Buffer.compare(layer.bootstrap, goldenBootstrap(fixture))).toBe(0)
  })

  it.each(fixtures.filter(({ id }) => !/inline/.test(id)).map((fixture) => [fixture.id, fixture] as const))(
    '%s reads back',
    async (_id, fixture) => {
      const { layer, blob } = await rebuild(fixture)
      const data = readSource(fixture)
      const tree = (fixture.source as string).replace(/^trees\/(\w+)\..*$/, '$1')
      const tar = readSource({ ...fixture, source: `trees/${tree}.tar` })
      const { differing, count } = await differingFiles(tar, layer.bootstrap, { data, meta: blob })
      expect(differing).toEqual([])
      expect(count).toBeGreaterThan(8)
    },
  )

  it('takes the layer for its blob', async () => {
    const fixture = fixtureOf('mixed-zran-l6')
    const { layer } = await rebuild(fixture)
    const source = readSource(fixture)
    expect(layer).toMatchObject({ compression: 'gzip', compressedSize: source.length, tarSize: 9_809_920 })
    expect(layer.diffId).toBe('sha256:27f2349560f59811490b12da6e2343c0db7e008b953fcf62cb285f1065580009')
  })

  it('covers the fixtures that exist', () => {
    expect(fixtures.length).toBeGreaterThan(10)
  })
})
