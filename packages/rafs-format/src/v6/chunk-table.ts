// SPDX-License-Identifier: Apache-2.0
/** The bootstrap's chunk table: full chunk records, for building, merging and checking. Mounts do not need it. */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { type ChunkInfo, decodeChunkInfo } from '../chunk.ts'
import { ChunkRecord } from '../layout/chunk-info.ts'

/** All chunks of a bootstrap. Digests are views into the bootstrap. */
export interface ChunkTable extends Iterable<ChunkInfo> {
  /** Number of records. */
  readonly length: number
  /** The record at a position of the table. @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE */
  at(position: number): ChunkInfo
  /** The chunk `chunkIndex` of blob `blobIndex`. The first call indexes the whole table. */
  find(blobIndex: number, chunkIndex: number): ChunkInfo | undefined
}

const CHUNK_INDEX_LIMIT = 2 ** 32

/**
 * Opens the chunk table.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when it leaves the bootstrap, ERR_FORMAT_MISALIGNED for a partial record.
 */
export function openChunkTable(bytes: Uint8Array, offset: number, size: number): ChunkTable {
  checkRange(offset, size, bytes.length, 'chunk table')
  if (size % ChunkRecord.size !== 0) {
    throw new FormatError(
      'ERR_FORMAT_MISALIGNED',
      `chunk table of ${size} bytes is not a multiple of ${ChunkRecord.size}`,
      {
        details: { size },
      },
    )
  }
  const length = size / ChunkRecord.size
  let positions: ReadonlyMap<number, number> | undefined

  function at(position: number): ChunkInfo {
    checkRange(position * ChunkRecord.size, ChunkRecord.size, size, `chunk table record ${position}`)
    return decodeChunkInfo(bytes, offset + position * ChunkRecord.size)
  }
  return {
    length,
    at,
    find(blobIndex, chunkIndex) {
      positions ??= indexPositions(bytes, offset, length)
      const position = positions.get(blobIndex * CHUNK_INDEX_LIMIT + chunkIndex)
      return position === undefined ? undefined : at(position)
    },
    *[Symbol.iterator]() {
      for (let position = 0; position < length; position++) yield at(position)
    },
  }
}

function indexPositions(bytes: Uint8Array, offset: number, length: number): ReadonlyMap<number, number> {
  const positions = new Map<number, number>()
  for (let position = 0; position < length; position++) {
    const record = ChunkRecord.view(bytes, offset + position * ChunkRecord.size)
    positions.set((record.blobIndex & 0xffff) * CHUNK_INDEX_LIMIT + record.chunkIndex, position)
  }
  return positions
}
