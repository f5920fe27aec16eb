// SPDX-License-Identifier: Apache-2.0
/**
 * Where every chunk of a blob lies. Blob meta says it for most blobs; blobs without one (RAFS v5, tarfs) get their layout
 * from the chunk records of the bootstrap, which know only the chunks that some file of this image shows.
 */
import { FormatError } from '@nydus/base/error'
import { type BlobMeta, type ChunkInfo, type ChunkMeta, isCompressedChunk } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'

/** Chunks of a blob by index. `BlobMeta` is one. */
export type ChunkLayout = Pick<
  BlobMeta,
  'chunkCount' | 'chunk' | 'batchContext' | 'zranContext' | 'zranDictionary'
>

/** Members of a record that say where a chunk lies and how it is stored. */
type ChunkPlace = Pick<
  ChunkInfo,
  'uncompressedOffset' | 'uncompressedSize' | 'compressedOffset' | 'compressedSize' | 'flags' | 'crc32c'
>

/** What blob meta would say about a chunk of which only the bootstrap's record is known. */
export function chunkMetaOf(record: ChunkPlace): ChunkMeta {
  const { uncompressedOffset, uncompressedSize, compressedOffset, compressedSize, flags, crc32c } = record
  return {
    ...{ uncompressedOffset, uncompressedSize, compressedOffset, compressedSize },
    compressed: isCompressedChunk({ flags }),
    encrypted: (flags & CHUNK_FLAGS.ENCRYPTED) !== 0,
    ...((flags & CHUNK_FLAGS.HAS_CRC32C) !== 0 && { crc32c }),
  }
}

/** A layout without chunks, for chunks that are known otherwise. */
export const NO_CONTEXTS: ChunkLayout = {
  chunkCount: 0,
  chunk: (index) => notThere('chunk', index),
  batchContext: (index) => notThere('batch context', index),
  zranContext: (index) => notThere('zran context', index),
  zranDictionary: () => notThere('zran context', 0),
}

function notThere(what: string, index: number): never {
  throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `${what} ${index} of 0`, { details: { index, count: 0 } })
}

/** A layout made of chunk records. Chunks that no record names have 0 bytes and lie where the one before ends. */
export interface RecordLayout extends ChunkLayout {
  /** 32 bytes; undefined for chunks without a record or without a digest. */
  digest(index: number): Uint8Array | undefined
  /** Where the last chunk ends in the uncompressed blob. */
  readonly uncompressedEnd: number
}

const DIGEST_BYTES = 32
const MAX_CHUNK_COUNT = 2 ** 24

/** Columns instead of objects: 61 bytes a chunk. */
interface Columns {
  readonly uncompressedOffset: Float64Array
  readonly uncompressedSize: Uint32Array
  readonly compressedOffset: Float64Array
  readonly compressedSize: Uint32Array
  readonly flags: Uint8Array
  readonly crc32c: Uint32Array
  readonly digests: Uint8Array
}

/**
 * @param records chunks of one blob, each once, ascending by uncompressed offset.
 * @param chunkCount as the blob table has it; 0 where it has none (v5 before 1.1).
 * @throws {FormatError} ERR_FORMAT_CORRUPT for records that overlap, are out of order or count beyond `chunkCount`.
 */
export function layoutOfRecords(
  records: Iterable<ChunkInfo>,
  chunkCount: number,
  blobId: string,
): RecordLayout {
  const known = [...records]
  const last = known.reduce((max, { chunkIndex }) => Math.max(max, chunkIndex), -1)
  if (last >= (chunkCount || MAX_CHUNK_COUNT)) {
    throw new FormatError('ERR_FORMAT_CORRUPT', `blob ${blobId}: chunk ${last} of ${chunkCount}`, {
      details: { blobId, chunk: last, chunkCount },
    })
  }
  const count = chunkCount || last + 1
  const columns = newColumns(count)
  let next = 0
  let end = 0
  let storedEnd = 0
  const skipTo = (index: number): void => {
    columns.uncompressedOffset.fill(end, next, index)
    columns.compressedOffset.fill(storedEnd, next, index)
  }
  for (const record of known) {
    checkOrder(record, next, end, blobId)
    skipTo(record.chunkIndex)
    put(columns, record)
    next = record.chunkIndex + 1
    end = record.uncompressedOffset + record.uncompressedSize
    storedEnd = record.compressedOffset + record.compressedSize
  }
  skipTo(count)
  return layoutOn(columns, count, end, blobId)
}

function newColumns(count: number): Columns {
  return {
    uncompressedOffset: new Float64Array(count),
    uncompressedSize: new Uint32Array(count),
    compressedOffset: new Float64Array(count),
    compressedSize: new Uint32Array(count),
    flags: new Uint8Array(count),
    crc32c: new Uint32Array(count),
    digests: new Uint8Array(count * DIGEST_BYTES),
  }
}

function put(columns: Columns, record: ChunkInfo): void {
  const { chunkIndex } = record
  columns.uncompressedOffset[chunkIndex] = record.uncompressedOffset
  columns.uncompressedSize[chunkIndex] = record.uncompressedSize
  columns.compressedOffset[chunkIndex] = record.compressedOffset
  columns.compressedSize[chunkIndex] = record.compressedSize
  columns.flags[chunkIndex] = record.flags
  columns.crc32c[chunkIndex] = record.crc32c
  columns.digests.set(record.digest, chunkIndex * DIGEST_BYTES)
}

function layoutOn(
  columns: Columns,
  chunkCount: number,
  uncompressedEnd: number,
  blobId: string,
): RecordLayout {
  return {
    ...NO_CONTEXTS,
    chunkCount,
    uncompressedEnd,
    chunk(index) {
      if (index < chunkCount && index >= 0) return chunkAt(columns, index)
      throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `chunk ${index} of ${chunkCount}`, {
        details: { blobId, index, count: chunkCount },
      })
    },
    digest(index) {
      const digest = columns.digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES)
      return digest.some((byte) => byte !== 0) ? digest : undefined
    },
  }
}

function chunkAt(columns: Columns, index: number): ChunkMeta {
  return chunkMetaOf({
    flags: columns.flags[index] as number,
    compressedSize: columns.compressedSize[index] as number,
    uncompressedSize: columns.uncompressedSize[index] as number,
    compressedOffset: columns.compressedOffset[index] as number,
    uncompressedOffset: columns.uncompressedOffset[index] as number,
    crc32c: columns.crc32c[index] as number,
  })
}

function checkOrder(record: ChunkInfo, next: number, end: number, blobId: string): void {
  const { chunkIndex, uncompressedOffset, uncompressedSize } = record
  if (chunkIndex >= next && uncompressedOffset >= end && uncompressedSize > 0) return
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `blob ${blobId}: chunk ${chunkIndex} of ${uncompressedSize} bytes at 0x${uncompressedOffset.toString(16)} overlaps the one before`,
    { details: { blobId, chunk: chunkIndex, uncompressedOffset, uncompressedSize, previousEnd: end } },
  )
}
