// SPDX-License-Identifier: Apache-2.0
/** Writing a whole chunk array: records, and behind them what several chunks have in common. */
import { FormatError } from '@nydus/base/error'
import type { BlobMetaHeader } from './blob-meta-header.ts'
import { type ChunkMetaList, type ChunkMetaVersion, encodeChunkMeta } from './chunk-meta.ts'
import {
  type BatchContext,
  encodeBatchContexts,
  encodeZranContexts,
  MAX_DICTIONARY_BYTES,
  type ZranContext,
} from './context-records.ts'

/** A zran context before its window has a place. */
export type ZranPoint = Omit<ZranContext, 'dictionaryOffset' | 'dictionarySize'> & {
  /** The bytes before the point that raw inflate needs, at most 32768; empty at the start of a gzip member. */
  readonly dictionary: Uint8Array
}

/** What a chunk array holds. Only one kind of contexts. */
export interface ChunkArrayParts {
  /** 2 for encrypted blobs, and with contexts. */
  readonly version: ChunkMetaVersion
  readonly chunks: ChunkMetaList
  readonly batchContexts?: readonly BatchContext[]
  readonly zranPoints?: readonly ZranPoint[]
}

/** The bytes, and the members of the header that describe them. */
export interface ChunkArray
  extends Pick<BlobMetaHeader, 'chunkCount' | 'contextOffset' | 'contextSize' | 'contextCount'> {
  /** Neither compressed nor encrypted. */
  readonly bytes: Uint8Array
}

/**
 * Puts records, contexts and dictionaries together.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE for values that no record can hold, ERR_FORMAT_CORRUPT for contexts of both
 *   kinds or with version 1.
 */
export function encodeChunkArray(parts: ChunkArrayParts): ChunkArray {
  const { version, chunks, batchContexts = [], zranPoints = [] } = parts
  const contextCount = batchContexts.length + zranPoints.length
  if (contextCount > 0 && (version === 1 || (batchContexts.length > 0 && zranPoints.length > 0))) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `${batchContexts.length} batch and ${zranPoints.length} zran contexts with chunk records of version ${version}`,
      { details: { version, batch: batchContexts.length, zran: zranPoints.length } },
    )
  }
  const records = encodeChunkMeta(version, chunks)
  const contexts = zranPoints.length > 0 ? encodeZranTable(zranPoints) : encodeBatchContexts(batchContexts)
  const bytes = new Uint8Array(records.length + contexts.length)
  bytes.set(records)
  bytes.set(contexts, records.length)
  return {
    bytes,
    chunkCount: chunks.length,
    contextOffset: contextCount > 0 ? records.length : 0,
    contextSize: contexts.length,
    contextCount,
  }
}

/** Contexts, then their dictionaries in the same order. */
function encodeZranTable(points: readonly ZranPoint[]): Uint8Array {
  let dictionaryOffset = 0
  const contexts = points.map(({ dictionary, ...point }, i) => {
    if (dictionary.length > MAX_DICTIONARY_BYTES) {
      throw new FormatError(
        'ERR_FORMAT_OUT_OF_RANGE',
        `zran context ${i} has a dictionary of ${dictionary.length} bytes, at most ${MAX_DICTIONARY_BYTES} are possible`,
        { details: { context: i, found: dictionary.length } },
      )
    }
    const context = { ...point, dictionaryOffset, dictionarySize: dictionary.length }
    dictionaryOffset += dictionary.length
    return context
  })
  const table = encodeZranContexts(contexts)
  const bytes = new Uint8Array(table.length + dictionaryOffset)
  bytes.set(table)
  points.forEach(({ dictionary }, i) => {
    bytes.set(dictionary, table.length + (contexts[i]?.dictionaryOffset ?? 0))
  })
  return bytes
}
