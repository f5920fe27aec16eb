// SPDX-License-Identifier: Apache-2.0
/**
 * Chunk records of the blob meta: 16 bytes (v1) or 24 bytes (v2), in 64-bit words of packed bit fields.
 *
 *   v1 word 0   63..44 size−1 bits 19..0 │ 43..12 uncompressed offset >> 12 │ 11..8 size−1 bits 23..20
 *   v1 word 1   63..44 size−1 bits 19..0 │ 43..40 size−1 bits 23..20        │ 39..0 compressed offset
 *   v2 word 0   63..56 flags             │ 55..32 uncompressed size−1       │ 31..0 uncompressed offset >> 12
 *   v2 word 1   63..40 compressed size                                      │ 39..0 compressed offset
 *   v2 word 2   63..32 context index     │ 31..0 offset in the context's output, or CRC-32C
 */
import { FormatError } from '@nydus/base/error'
import { CHUNK_META_FLAGS, ChunkMetaV1, ChunkMetaV2 } from '../layout/blob-meta.ts'

/** A chunk's place inside the output of a zran or batch context. */
export interface ContextSlice {
  /** Number of the context. */
  readonly context: number
  /** Bytes into the context's uncompressed output. */
  readonly offset: number
}

/** One chunk of a blob, as the blob meta describes it. The position in the array is the chunk's index. */
export interface ChunkMeta {
  /** Multiple of 4096, below 2^44. */
  readonly uncompressedOffset: number
  /** Bytes, 1 … 2^24. */
  readonly uncompressedSize: number
  /** In the blob, below 2^40; for batch chunks the start of the batch. */
  readonly compressedOffset: number
  /** Bytes as stored, up to 2^24 (v1) or 2^24 − 1 (v2); 0 for batch chunks. */
  readonly compressedSize: number
  /** Stored compressed by the blob's compressor. Version 1 derives it: the sizes differ. */
  readonly compressed: boolean
  readonly encrypted: boolean
  /** CRC-32C of the uncompressed bytes, version 2 only. */
  readonly crc32c?: number
  /** Version 2 only. */
  readonly batch?: ContextSlice
  /** Version 2 only. */
  readonly zran?: ContextSlice
}

/** Record layout: version 2 goes with blob feature CHUNK_INFO_V2. */
export type ChunkMetaVersion = 1 | 2

/** Bytes of one record. */
export function chunkMetaSize(version: ChunkMetaVersion): number {
  return version === 1 ? ChunkMetaV1.size : ChunkMetaV2.size
}

const LIMIT_4K_OFFSET_V1 = 2 ** 44
const LIMIT_OFFSET = 2 ** 40
const LIMIT_SIZE = 2 ** 24
const LOW_32 = 0x1_0000_0000

/** Chunks in index order; an array, or something that makes one after the other. */
export interface ChunkMetaList extends Iterable<ChunkMeta> {
  readonly length: number
}

/**
 * The chunk array of a blob meta, without contexts.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE or ERR_FORMAT_MISALIGNED for a value that the record cannot hold.
 */
export function encodeChunkMeta(version: ChunkMetaVersion, chunks: ChunkMetaList): Uint8Array {
  const size = chunkMetaSize(version)
  const array = new Uint8Array(chunks.length * size)
  let i = 0
  for (const chunk of chunks) {
    checkPlaces(chunk, i)
    if (version === 1) ChunkMetaV1.encodeInto(array, i * size, packV1(chunk, i))
    else ChunkMetaV2.encodeInto(array, i * size, packV2(chunk, i))
    i += 1
  }
  return array
}

function packV1(chunk: ChunkMeta, i: number): Parameters<typeof ChunkMetaV1.encode>[0] {
  if (chunk.compressed !== (chunk.compressedSize !== chunk.uncompressedSize) || chunk.encrypted) {
    throw unstorable(i, 'version 1 records say compressed by a smaller size, and are never encrypted')
  }
  if (chunk.compressedSize < 1) throw unstorable(i, `compressed size ${chunk.compressedSize}`)
  const uncompressed = chunk.uncompressedSize - 1
  const compressed = chunk.compressedSize - 1
  return {
    uncompressedLow: ((chunk.uncompressedOffset % LOW_32) | ((uncompressed >>> 20) << 8)) >>> 0,
    uncompressedHigh:
      (((uncompressed & 0xf_ffff) << 12) | Math.floor(chunk.uncompressedOffset / LOW_32)) >>> 0,
    compressedLow: chunk.compressedOffset % LOW_32,
    compressedHigh:
      (((compressed & 0xf_ffff) << 12) |
        ((compressed >>> 20) << 8) |
        Math.floor(chunk.compressedOffset / LOW_32)) >>>
      0,
  }
}

function packV2(chunk: ChunkMeta, i: number): Parameters<typeof ChunkMetaV2.encode>[0] {
  if (chunk.compressedSize >= LIMIT_SIZE) throw unstorable(i, `compressed size ${chunk.compressedSize}`)
  const slice = chunk.batch ?? chunk.zran
  const flags =
    (chunk.compressed ? CHUNK_META_FLAGS.COMPRESSED : 0) |
    (chunk.zran ? CHUNK_META_FLAGS.ZRAN : 0) |
    (chunk.batch ? CHUNK_META_FLAGS.BATCH : 0) |
    (chunk.encrypted ? CHUNK_META_FLAGS.ENCRYPTED : 0) |
    (chunk.crc32c !== undefined && !slice ? CHUNK_META_FLAGS.HAS_CRC32C : 0)
  return {
    uncompressedLow: chunk.uncompressedOffset / 4096,
    uncompressedHigh: ((flags << 24) | (chunk.uncompressedSize - 1)) >>> 0,
    compressedLow: chunk.compressedOffset % LOW_32,
    compressedHigh: ((chunk.compressedSize << 8) | Math.floor(chunk.compressedOffset / LOW_32)) >>> 0,
    dataLow: slice ? slice.offset : (chunk.crc32c ?? 0),
    dataHigh: slice ? slice.context : 0,
  }
}

function checkPlaces(chunk: ChunkMeta, i: number): void {
  const { uncompressedOffset, uncompressedSize, compressedOffset, compressedSize } = chunk
  if (uncompressedOffset % 4096 !== 0) {
    throw new FormatError(
      'ERR_FORMAT_MISALIGNED',
      `chunk ${i}: uncompressed offset 0x${uncompressedOffset.toString(16)}`,
    )
  }
  const fits =
    within(uncompressedOffset, 0, LIMIT_4K_OFFSET_V1 - 1) &&
    within(uncompressedSize, 1, LIMIT_SIZE) &&
    within(compressedOffset, 0, LIMIT_OFFSET - 1) &&
    within(compressedSize, 0, LIMIT_SIZE)
  if (!fits)
    throw unstorable(
      i,
      `${JSON.stringify({ uncompressedOffset, uncompressedSize, compressedOffset, compressedSize })}`,
    )
}

function within(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high
}

function unstorable(i: number, what: string): FormatError {
  return new FormatError('ERR_FORMAT_OUT_OF_RANGE', `chunk ${i} does not fit its record: ${what}`, {
    details: { chunk: i },
  })
}

/** Reads one record. @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_CORRUPT for contradicting flags. */
export function decodeChunkMeta(version: ChunkMetaVersion, array: Uint8Array, offset: number): ChunkMeta {
  return version === 1 ? unpackV1(array, offset) : unpackV2(array, offset)
}

function unpackV1(array: Uint8Array, offset: number): ChunkMeta {
  const record = ChunkMetaV1.view(array, offset)
  const low = record.uncompressedLow
  const high = record.uncompressedHigh
  const compressedHigh = record.compressedHigh
  const uncompressedSize = ((high >>> 12) | (((low >>> 8) & 0xf) << 20)) + 1
  const compressedSize = ((compressedHigh >>> 12) | (((compressedHigh >>> 8) & 0xf) << 20)) + 1
  return {
    uncompressedOffset: (high & 0xfff) * LOW_32 + ((low & 0xffff_f000) >>> 0),
    uncompressedSize,
    compressedOffset: (compressedHigh & 0xff) * LOW_32 + record.compressedLow,
    compressedSize,
    compressed: compressedSize !== uncompressedSize,
    encrypted: false,
  }
}

function unpackV2(array: Uint8Array, offset: number): ChunkMeta {
  const record = ChunkMetaV2.view(array, offset)
  const flags = record.uncompressedHigh >>> 24
  const compressedHigh = record.compressedHigh
  const chunk = {
    uncompressedOffset: record.uncompressedLow * 4096,
    uncompressedSize: (record.uncompressedHigh & 0xff_ffff) + 1,
    compressedOffset: (compressedHigh & 0xff) * LOW_32 + record.compressedLow,
    compressedSize: compressedHigh >>> 8,
    compressed: (flags & CHUNK_META_FLAGS.COMPRESSED) !== 0,
    encrypted: (flags & CHUNK_META_FLAGS.ENCRYPTED) !== 0,
  }
  const kinds = flags & (CHUNK_META_FLAGS.ZRAN | CHUNK_META_FLAGS.BATCH | CHUNK_META_FLAGS.HAS_CRC32C)
  const slice = { context: record.dataHigh, offset: record.dataLow }
  if (kinds === 0) return chunk
  if (kinds === CHUNK_META_FLAGS.ZRAN) return { ...chunk, zran: slice }
  if (kinds === CHUNK_META_FLAGS.BATCH) return { ...chunk, batch: slice }
  if (kinds === CHUNK_META_FLAGS.HAS_CRC32C) return { ...chunk, crc32c: record.dataLow }
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `chunk record at 0x${offset.toString(16)} has flags 0x${flags.toString(16)}`,
    {
      details: { offset, flags },
    },
  )
}
