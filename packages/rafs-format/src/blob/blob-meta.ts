// SPDX-License-Identifier: Apache-2.0
/**
 * The chunk index of one blob, read where it lies: opening costs nothing per chunk.
 *
 *   uncompressed array = chunk records · [ contexts · [zran dictionaries] ]
 */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { BLOB_FEATURES } from '../flags.ts'
import { BatchContext as BatchRecord, ZranContext as ZranRecord } from '../layout/blob-meta.ts'
import type { BlobMetaHeader } from './blob-meta-header.ts'
import { type ChunkMeta, type ChunkMetaVersion, chunkMetaSize, decodeChunkMeta } from './chunk-meta.ts'
import {
  type BatchContext,
  decodeBatchContext,
  decodeZranContext,
  type ZranContext,
} from './context-records.ts'

/** Chunks of a blob by index. Keeps a view of the array it was opened on. */
export interface BlobMeta {
  readonly chunkCount: number
  readonly version: ChunkMetaVersion
  readonly contextCount: number
  /** @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE for an index outside 0 … chunkCount − 1, ERR_FORMAT_CORRUPT */
  chunk(index: number): ChunkMeta
  /** Index of the chunk whose bytes cover `uncompressedOffset`, −1 for gaps and places past the end. */
  find(uncompressedOffset: number): number
  /** Index of the first chunk that ends behind `uncompressedOffset`; `chunkCount` if there is none. */
  firstEndingAfter(uncompressedOffset: number): number
  /** @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when the blob has no such context. */
  batchContext(index: number): BatchContext
  /** @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when the blob has no such context. */
  zranContext(index: number): ZranContext
  /** The window of a zran context, a view; empty when the context needs none. */
  zranDictionary(context: ZranContext): Uint8Array
}

/** Members of the header (or of the blob table) that opening needs. */
export type BlobMetaShape = Pick<BlobMetaHeader, 'features' | 'chunkCount'> &
  Partial<Pick<BlobMetaHeader, 'contextOffset' | 'contextSize' | 'contextCount'>>

/**
 * Opens an uncompressed chunk array.
 * @param array chunk records and, behind them, the contexts; kept as a view.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when records or contexts do not fit into `array`.
 */
export function openBlobMeta(array: Uint8Array, shape: BlobMetaShape): BlobMeta {
  const version: ChunkMetaVersion = (shape.features & BLOB_FEATURES.CHUNK_INFO_V2) !== 0 ? 2 : 1
  const { chunkCount, contextOffset = 0, contextCount = 0 } = shape
  const contextsEnd = contextOffset + (shape.contextSize ?? array.length - contextOffset)
  const recordSize = chunkMetaSize(version)
  checkRange(0, chunkCount * recordSize, array.length, `blob meta of ${chunkCount} chunks`)
  const zran = (shape.features & BLOB_FEATURES.ZRAN) !== 0
  const contextSize = zran ? ZranRecord.size : BatchRecord.size
  const dictionaries = contextOffset + contextCount * contextSize
  if (contextCount > 0) {
    checkRange(contextOffset, contextsEnd - contextOffset, array.length, 'contexts of a blob meta')
    checkRange(
      contextOffset,
      dictionaries - contextOffset,
      contextsEnd,
      `blob meta of ${contextCount} contexts`,
    )
    checkContextPlace(contextOffset, chunkCount * recordSize, zran)
  }

  function chunk(index: number): ChunkMeta {
    checkIndex(index, chunkCount, 'chunk')
    return decodeChunkMeta(version, array, index * recordSize)
  }
  function firstEndingAfter(uncompressedOffset: number): number {
    let low = 0
    let high = chunkCount
    while (low < high) {
      const middle = (low + high) >>> 1
      const { uncompressedOffset: start, uncompressedSize } = chunk(middle)
      if (start + uncompressedSize > uncompressedOffset) high = middle
      else low = middle + 1
    }
    return low
  }
  function contextPlace(index: number, kind: 'zran' | 'batch'): number {
    checkIndex(index, (kind === 'zran') === zran ? contextCount : 0, `${kind} context`)
    return contextOffset + index * contextSize
  }

  return {
    chunkCount,
    version,
    contextCount,
    chunk,
    firstEndingAfter,
    find(uncompressedOffset) {
      const index = firstEndingAfter(uncompressedOffset)
      return index < chunkCount && chunk(index).uncompressedOffset <= uncompressedOffset ? index : -1
    },
    batchContext: (index) => decodeBatchContext(array, contextPlace(index, 'batch')),
    zranContext: (index) => decodeZranContext(array, contextPlace(index, 'zran')),
    zranDictionary({ dictionaryOffset, dictionarySize }) {
      checkRange(dictionaryOffset, dictionarySize, contextsEnd - dictionaries, 'zran dictionary')
      const start = dictionaries + dictionaryOffset
      return array.subarray(start, start + dictionarySize)
    },
  }
}

/** Contexts follow the records: zran contexts at once, whatever else an array may hold. */
function checkContextPlace(offset: number, recordsEnd: number, zran: boolean): void {
  if (zran ? offset === recordsEnd : offset >= recordsEnd) return
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `blob meta: contexts at 0x${offset.toString(16)}, the chunk records end at 0x${recordsEnd.toString(16)}`,
    { details: { found: offset, expected: recordsEnd } },
  )
}

function checkIndex(index: number, count: number, what: string): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return
  throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `${what} ${index} of ${count}`, {
    details: { index, count },
  })
}
