// SPDX-License-Identifier: Apache-2.0
// The chunk arrays that the original wrote, of every kind of blob, come out of the encoder byte for byte.
import { decryptXts } from '@nydus/base/cipher'
import { decompressExact } from '@nydus/base/compress'
import { describe, expect, it } from 'vitest'
import {
  BLOB_FEATURES,
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  type BlobMetaHeader,
  blobCipher,
  decodeBlobMetaHeader,
  encodeBlobMetaHeader,
  encodeChunkArray,
  locateBlobMeta,
  openBlobMeta,
  openBootstrap,
  validateBlobMeta,
} from '../../src/index.ts'
import { load, MANIFEST, type StoredFile } from '../golden.ts'

interface Golden {
  readonly id: string
  readonly blob: BlobInfo
  readonly file: StoredFile
}

/** Blobs with a chunk array whose bytes are among the fixtures. */
function goldens(): readonly Golden[] {
  return MANIFEST.fixtures.flatMap(({ id, outputs }) => {
    const { bootstrap, blob: file } = outputs ?? {}
    if (!bootstrap?.path || !file?.path) return []
    const bytes = load(bootstrap)
    if (new DataView(bytes.buffer).getUint32(0, true) === 0x5241_4653) return []
    const [blob, ...others] = openBootstrap(bytes).blobs
    const place = blob && locateBlobMeta(blob)
    // The blob of a bootstrap whose chunks are all in a dictionary is not the one beside it.
    const own = place && file.size >= place.offset + place.compressedSize + BLOB_META_HEADER_BYTES
    return own && others.length === 0 ? [{ id, blob, file }] : []
  })
}

const GOLDENS = goldens()

function readMeta({ blob, file }: Golden): {
  array: Uint8Array
  header: BlobMetaHeader
  headerBytes: Uint8Array
} {
  const place = locateBlobMeta(blob)
  const cipher = blobCipher(blob)
  if (place === undefined) throw new Error('no blob meta')
  const bytes = load(file)
  const end = place.offset + place.compressedSize
  const decrypt = (stored: Uint8Array): Uint8Array => (cipher ? decryptXts(stored, cipher) : stored)
  const headerBytes = decrypt(bytes.subarray(end, end + BLOB_META_HEADER_BYTES))
  const array = decompressExact(
    blob.metaCompressor,
    decrypt(bytes.subarray(place.offset, end)),
    blob.metaUncompressedSize,
  )
  return { array, headerBytes, header: decodeBlobMetaHeader(headerBytes) }
}

function contextsOf(meta: BlobMeta, { features }: BlobMetaHeader): object {
  const all = Array.from({ length: meta.contextCount }, (_, i) => i)
  if ((features & BLOB_FEATURES.BATCH) !== 0) return { batchContexts: all.map((i) => meta.batchContext(i)) }
  if ((features & BLOB_FEATURES.ZRAN) === 0) return {}
  const zranPoints = all.map((i) => {
    const { dictionaryOffset: _, dictionarySize: __, ...point } = meta.zranContext(i)
    return { ...point, dictionary: meta.zranDictionary(meta.zranContext(i)) }
  })
  return { zranPoints }
}

describe('encodeChunkArray', () => {
  it.each(GOLDENS)('writes what the original wrote for $id, and the check is content', (golden) => {
    const { array, header, headerBytes } = readMeta(golden)
    const meta = openBlobMeta(array, header)
    expect(validateBlobMeta(meta, golden.blob)).toEqual([])
    const chunks = Array.from({ length: meta.chunkCount }, (_, i) => meta.chunk(i))
    const { bytes, ...members } = encodeChunkArray({
      version: meta.version,
      chunks,
      ...contextsOf(meta, header),
    })
    expect(Buffer.compare(bytes, array)).toBe(0)
    expect(header).toMatchObject(members)
    expect(Buffer.compare(encodeBlobMetaHeader(header), headerBytes)).toBe(0)
  })
  it('has goldens of every kind', () => {
    const features = GOLDENS.reduce((all, { blob }) => all | blob.features, 0)
    const { ZRAN, SEPARATE, BATCH, ENCRYPTED, CHUNK_INFO_V2 } = BLOB_FEATURES
    const kinds = ZRAN | SEPARATE | BATCH | ENCRYPTED | CHUNK_INFO_V2
    expect(features & kinds).toBe(kinds)
    expect(GOLDENS.length).toBeGreaterThan(100)
  })

  const chunk = {
    uncompressedOffset: 0,
    uncompressedSize: 10,
    compressedOffset: 0,
    compressedSize: 10,
    compressed: false,
    encrypted: false,
  }
  const point = { inOffset: 0, outOffset: 0, inSize: 1, outSize: 10, previousByte: 0, unusedBits: 0 }
  it('refuses contexts where they cannot be', () => {
    const batchContexts = [{ compressedSize: 1, uncompressedSize: 2 }]
    const zranPoints = [{ ...point, dictionary: new Uint8Array(3) }]
    for (const parts of [
      { version: 1, batchContexts },
      { version: 1, zranPoints },
      { version: 2, batchContexts, zranPoints },
    ] as const) {
      expect(() => encodeChunkArray({ chunks: [chunk], ...parts })).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
      )
    }
    expect(() =>
      encodeChunkArray({
        version: 2,
        chunks: [],
        zranPoints: [{ ...point, dictionary: new Uint8Array(32_769) }],
      }),
    ).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
  })
  it('keeps dictionaries apart', () => {
    const dictionaries = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4)]
    const { bytes, ...shape } = encodeChunkArray({
      version: 2,
      chunks: [chunk, chunk, chunk],
      zranPoints: dictionaries.map((dictionary) => ({ ...point, dictionary })),
    })
    const meta = openBlobMeta(bytes, { features: BLOB_FEATURES.ZRAN | BLOB_FEATURES.CHUNK_INFO_V2, ...shape })
    expect(dictionaries.map((_, i) => [...meta.zranDictionary(meta.zranContext(i))])).toEqual([
      [1, 2, 3],
      [],
      [4],
    ])
  })
})
