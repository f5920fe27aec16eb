// SPDX-License-Identifier: Apache-2.0
/** A chunk as the bootstrap's chunk table (and RAFS v5 inodes) describe it. */
import { CHUNK_FLAGS, ChunkRecord } from './layout/chunk-info.ts'

/** One chunk: where it lies in its blob, in the uncompressed blob and in a file. */
export interface ChunkInfo {
  /** 32-byte digest of the uncompressed bytes. */
  readonly digest: Uint8Array
  /** Position of its blob in the blob table. */
  readonly blobIndex: number
  /** CHUNK_FLAGS. */
  readonly flags: number
  /** Bytes stored in the blob; 0 for batched chunks. */
  readonly compressedSize: number
  /** Bytes. */
  readonly uncompressedSize: number
  /** In the blob; 0 for batched chunks. */
  readonly compressedOffset: number
  /** In the uncompressed blob, which is the cache file. */
  readonly uncompressedOffset: number
  /** In the file that was written last with this chunk. */
  readonly fileOffset: number
  /** Number of the chunk within its blob, from 0. */
  readonly chunkIndex: number
  /** CRC-32C of the uncompressed bytes; only meaningful when `flags` has HAS_CRC32C. */
  readonly crc32c: number
}

/** The 80-byte record of a chunk. */
export function encodeChunkInfo(chunk: ChunkInfo): Uint8Array {
  return ChunkRecord.encode(chunk)
}

/** Reads the record at `offset`. The digest is a view into `bytes`. @throws {FormatError} ERR_FORMAT_TRUNCATED */
export function decodeChunkInfo(bytes: Uint8Array, offset = 0): ChunkInfo {
  return ChunkRecord.decode(bytes, offset)
}

/** Records back to back: the chunk table without its padding. */
export function encodeChunkTable(chunks: readonly ChunkInfo[]): Uint8Array {
  return ChunkRecord.encodeTable(chunks)
}

/** Tells whether the chunk is stored compressed. */
export function isCompressedChunk(chunk: Pick<ChunkInfo, 'flags'>): boolean {
  return (chunk.flags & CHUNK_FLAGS.COMPRESSED) !== 0
}

/** The chunk's CRC-32C, if its builder recorded one. */
export function chunkCrc32c(chunk: Pick<ChunkInfo, 'flags' | 'crc32c'>): number | undefined {
  return (chunk.flags & CHUNK_FLAGS.HAS_CRC32C) !== 0 ? chunk.crc32c : undefined
}
