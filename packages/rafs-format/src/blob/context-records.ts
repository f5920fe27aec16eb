// SPDX-License-Identifier: Apache-2.0
/** zran and batch contexts: what several chunks of a blob have in common. */
import { BatchContext as BatchRecord, ZranContext as ZranRecord } from '../layout/blob-meta.ts'

/** A point in a gzip stream from which raw inflate can start. */
export interface ZranContext {
  /** In the gzip file. */
  readonly inOffset: number
  /** In the uncompressed stream. */
  readonly outOffset: number
  /** Of the window inside the dictionary table. */
  readonly dictionaryOffset: number
  /** Compressed bytes of the context. */
  readonly inSize: number
  /** Uncompressed bytes of the context. */
  readonly outSize: number
  /** Bytes of the window, 0 … 32768. */
  readonly dictionarySize: number
  /** The byte before `inOffset`, whose high bits belong to the context. */
  readonly previousByte: number
  /** How many of these bits, 0 … 7. */
  readonly unusedBits: number
}

/** Several small chunks that were compressed as one. */
export interface BatchContext {
  /** Bytes as stored. */
  readonly compressedSize: number
  /** Bytes of the concatenated chunks; equal to `compressedSize` when stored as they are. */
  readonly uncompressedSize: number
}

/** zlib's window: no zran context needs more bytes before it. */
export const MAX_DICTIONARY_BYTES = 32_768

/** Contexts back to back. */
export function encodeZranContexts(contexts: readonly ZranContext[]): Uint8Array {
  return ZranRecord.encodeTable(contexts)
}

/** Contexts back to back. */
export function encodeBatchContexts(contexts: readonly BatchContext[]): Uint8Array {
  return BatchRecord.encodeTable(contexts)
}

/** Reads the context at byte `offset`. @throws {FormatError} ERR_FORMAT_TRUNCATED */
export function decodeZranContext(bytes: Uint8Array, offset: number): ZranContext {
  const { reserved0: _, ...context } = ZranRecord.decode(bytes, offset)
  return context
}

/** Reads the context at byte `offset`. @throws {FormatError} ERR_FORMAT_TRUNCATED */
export function decodeBatchContext(bytes: Uint8Array, offset: number): BatchContext {
  return BatchRecord.decode(bytes, offset)
}
