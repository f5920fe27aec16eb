// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  BLOB_FEATURES,
  type BlobMeta,
  type ChunkMeta,
  chunkMetaSize,
  encodeBatchContexts,
  encodeBlobMetaHeader,
  encodeChunkMeta,
  encodeZranContexts,
  openBlobMeta,
  openBootstrap,
} from '../../src/index.ts'
import { blobMetaOf } from '../decode-blob.ts'
import { MANIFEST, output, v6Bootstraps } from '../golden.ts'

function chunksOf(meta: BlobMeta): readonly ChunkMeta[] {
  return Array.from({ length: meta.chunkCount }, (_, i) => meta.chunk(i))
}

const WITH_BLOB = v6Bootstraps().filter(({ id, fixture }) => {
  const skip = /encrypt$|zran|tarfs|estargz|targz/.test(id)
  return !skip && fixture.kind === 'create' && fixture.outputs?.blob?.path && fixture.outputs.blob.size > 4096
})

describe('blob meta of the original', () => {
  it.each(WITH_BLOB)('$id: array and header come out of our encoders byte for byte', ({ bytes, fixture }) => {
    const [info, second] = openBootstrap(bytes).blobs
    if (!info || second || info.chunkCount === 0) return
    const { meta, header, headerBytes, array } = blobMetaOf(info, output(fixture.id, 'blob'))
    expect(header).toMatchObject({
      compressor: info.metaCompressor,
      chunkCount: info.chunkCount,
      metaOffset: info.metaOffset,
      metaCompressedSize: info.metaCompressedSize,
      metaUncompressedSize: info.metaUncompressedSize,
    })
    expect(Buffer.compare(encodeBlobMetaHeader(header), headerBytes)).toBe(0)
    const records = encodeChunkMeta(meta.version, chunksOf(meta))
    const contexts = Array.from({ length: meta.contextCount }, (_, i) => meta.batchContext(i))
    expect(Buffer.concat([records, encodeBatchContexts(contexts)]).toString('hex')).toBe(
      Buffer.from(array).toString('hex'),
    )
  })

  it.each(WITH_BLOB)('$id: agrees with the chunk table of the bootstrap', ({ bytes, fixture }) => {
    const bootstrap = openBootstrap(bytes)
    const [info, second] = bootstrap.blobs
    if (!info || second || info.chunkCount === 0) return
    const { meta } = blobMetaOf(info, output(fixture.id, 'blob'))
    for (const chunk of bootstrap.chunkTable()) {
      const record = meta.chunk(chunk.chunkIndex)
      expect(record).toMatchObject({
        uncompressedOffset: chunk.uncompressedOffset,
        uncompressedSize: chunk.uncompressedSize,
        ...(!record.batch && {
          compressedOffset: chunk.compressedOffset,
          compressedSize: chunk.compressedSize,
        }),
      })
      expect(meta.find(chunk.uncompressedOffset)).toBe(chunk.chunkIndex)
    }
  })

  it('covers both versions and batches', () => {
    const found = WITH_BLOB.flatMap(({ bytes }) => openBootstrap(bytes).blobs.map(({ features }) => features))
    expect(found.some((features) => (features & BLOB_FEATURES.BATCH) !== 0)).toBe(true)
    expect(found.some((features) => (features & BLOB_FEATURES.CHUNK_INFO_V2) === 0)).toBe(true)
  })
})

describe('openBlobMeta', () => {
  const chunk = (i: number, size = 4096): ChunkMeta => ({
    uncompressedOffset: i * 8192,
    uncompressedSize: size,
    compressedOffset: i * 50,
    compressedSize: 50,
    compressed: true,
    encrypted: false,
  })
  const chunks = Array.from({ length: 5 }, (_, i) => chunk(i))
  const meta = openBlobMeta(encodeChunkMeta(1, chunks), { features: BLOB_FEATURES.ALIGNED, chunkCount: 5 })

  it('finds chunks, and nothing in the gaps between them', () => {
    expect([0, 4095, 4096, 8191, 8192, 12287, 36863, 36864, 2 ** 43].map((at) => meta.find(at))).toEqual([
      0, 0, -1, -1, 1, 1, 4, -1, -1,
    ])
    expect([0, 4096, 8192, 36863, 36864].map((at) => meta.firstEndingAfter(at))).toEqual([0, 1, 1, 4, 5])
  })
  it('finds nothing in an empty one', () => {
    const empty = openBlobMeta(new Uint8Array(0), { features: 0, chunkCount: 0 })
    expect(empty.find(0)).toBe(-1)
    expect(() => empty.chunk(0)).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
  })
  it('refuses indexes and contexts that are not there', () => {
    for (const index of [-1, 5, 0.5, Number.NaN]) {
      expect(() => meta.chunk(index)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
      )
    }
    expect(() => meta.batchContext(0)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
    expect(() => meta.zranContext(0)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
  it.each([
    ['records', { chunkCount: 6 }],
    ['a huge count', { chunkCount: 2 ** 32 - 1 }],
    ['contexts over the records', { chunkCount: 5, contextCount: 1, contextOffset: 40 }],
    ['contexts behind the end', { chunkCount: 5, contextCount: 1, contextOffset: 80 }],
    ['a context count of 2^32', { chunkCount: 5, contextCount: 2 ** 32, contextOffset: 80 }],
  ])('refuses %s', (_, shape) => {
    expect(() => openBlobMeta(encodeChunkMeta(1, chunks), { features: 1, ...shape })).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
  it('reads zran contexts and their dictionaries', () => {
    const contexts = [
      {
        inOffset: 10,
        outOffset: 0,
        dictionaryOffset: 0,
        inSize: 100,
        outSize: 4096,
        dictionarySize: 0,
        previousByte: 0,
        unusedBits: 0,
      },
      {
        inOffset: 110,
        outOffset: 4096,
        dictionaryOffset: 0,
        inSize: 100,
        outSize: 4096,
        dictionarySize: 3,
        previousByte: 0xa5,
        unusedBits: 5,
      },
    ]
    const records = encodeChunkMeta(2, [
      { ...chunk(0), zran: { context: 0, offset: 0 } },
      { ...chunk(1), zran: { context: 1, offset: 7 } },
    ])
    const array = new Uint8Array(
      Buffer.concat([records, encodeZranContexts(contexts), new Uint8Array([1, 2, 3])]),
    )
    const zran = openBlobMeta(array, {
      features: BLOB_FEATURES.ALIGNED | BLOB_FEATURES.CHUNK_INFO_V2 | BLOB_FEATURES.ZRAN,
      chunkCount: 2,
      contextOffset: 2 * chunkMetaSize(2),
      contextCount: 2,
    })
    expect([0, 1].map((i) => zran.zranContext(i))).toEqual(contexts)
    expect(zran.zranDictionary(zran.zranContext(1))).toEqual(new Uint8Array([1, 2, 3]))
    expect(zran.zranDictionary(zran.zranContext(0))).toHaveLength(0)
    expect(() => zran.zranDictionary({ ...zran.zranContext(1), dictionarySize: 4 })).toThrowError(
      /zran dictionary/,
    )
    expect(() => zran.batchContext(0)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
    expect(zran.chunk(1).zran).toEqual({ context: 1, offset: 7 })
  })
})

describe('fixtures', () => {
  it('hold blobs to test with', () => {
    expect(MANIFEST.fixtures.length).toBeGreaterThan(400)
    expect(WITH_BLOB.length).toBeGreaterThan(40)
  })
})
