// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  BLOB_FEATURES,
  type BlobInfo,
  type ChunkArrayParts,
  encodeChunkArray,
  openBlobMeta,
  validateBlobMeta,
} from '../../src/index.ts'
import { madeBlob } from '../make-bootstrap.ts'

const { CAP_TAR_TOC, CHUNK_INFO_V2, ZRAN, BATCH, IS_CHUNKDICT_GENERATED } = BLOB_FEATURES
const FEATURES = CAP_TAR_TOC | CHUNK_INFO_V2
const BLOB = { ...madeBlob(0, 0x2000), features: FEATURES, metaOffset: 300 }
const CHUNK = {
  uncompressedOffset: 0,
  uncompressedSize: 0x1000,
  compressedOffset: 0,
  compressedSize: 100,
  compressed: true,
  encrypted: false,
}
const SECOND = { ...CHUNK, uncompressedOffset: 0x1000, compressedOffset: 100 }
const POINT = { inOffset: 0, outOffset: 0, inSize: 1, outSize: 0x1fff, previousByte: 0, unusedBits: 0 }

function messages(parts: Partial<ChunkArrayParts>, blob: BlobInfo = BLOB): readonly string[] {
  const { bytes, ...shape } = encodeChunkArray({ version: 2, chunks: [CHUNK, SECOND], ...parts })
  const meta = openBlobMeta(bytes, { features: blob.features, ...shape })
  return validateBlobMeta(meta, blob).map(({ place, message }) => `${place}: ${message}`)
}

describe('validateBlobMeta', () => {
  it('is content with sound records', () => expect(messages({})).toEqual([]))
  it.each([
    ['a missing chunk', { chunks: [CHUNK] }, ['blob meta: number of chunks is 1, expected 2']],
    [
      'a gap',
      { chunks: [CHUNK, { ...SECOND, uncompressedOffset: 0x2000 }] },
      [
        'chunk 1: uncompressed offset is 8192, expected 4096',
        'chunk 1: it ends at 0x3000, its blob at 0x2000',
      ],
    ],
    [
      'data behind the data',
      { chunks: [CHUNK, { ...SECOND, compressedSize: 201 }] },
      ['chunk 1: it is stored up to 0x12d, the data of its blob ends at 0x12c'],
    ],
    [
      'a plain chunk of another size',
      { chunks: [CHUNK, { ...SECOND, compressed: false }] },
      ['chunk 1: size as stored is 100, expected 4096'],
    ],
    ['nothing stored', { chunks: [CHUNK, { ...SECOND, compressedSize: 0 }] }, ['chunk 1: nothing is stored']],
  ])('reports %s', (_, parts, expected) => expect(messages(parts)).toEqual(expected))
  it('accepts a part of the chunks of a dictionary’s blob', () => {
    const features = FEATURES | IS_CHUNKDICT_GENERATED
    expect(messages({ chunks: [CHUNK] }, { ...BLOB, features })).toEqual([])
  })
  it('reports slices outside their context', () => {
    const zran = [
      { ...CHUNK, zran: { context: 0, offset: 0 } },
      { ...SECOND, zran: { context: 0, offset: 0x1000 } },
    ]
    const zranPoints = [{ ...POINT, dictionary: new Uint8Array(0) }]
    expect(messages({ chunks: zran, zranPoints }, { ...BLOB, features: FEATURES | ZRAN })).toEqual([
      'chunk 1: it ends at 8192 in context 0, whose output has 8191 bytes',
    ])
    const batch = [{ ...CHUNK, compressedSize: 0, batch: { context: 1, offset: 0 } }, SECOND]
    const batchContexts = [{ compressedSize: 50, uncompressedSize: 0x1000 }]
    expect(messages({ chunks: batch, batchContexts }, { ...BLOB, features: FEATURES | BATCH })).toEqual([
      'chunk 0: batch context 1 of 1',
    ])
  })
  it('stops at 100 findings', () => {
    const chunks = Array.from({ length: 200 }, () => ({ ...SECOND, compressedSize: 0 }))
    expect(messages({ chunks })).toHaveLength(100)
  })
})
