// SPDX-License-Identifier: Apache-2.0
/** Which chunks of which blobs the files of an image use. */
import type { Bootstrap, ChunkInfo } from '@nydus/rafs-format'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { chunkAt } from './rewrite-bootstrap.ts'

/** The used chunks of one blob, each once. */
export interface UsedChunks {
  /** By the number that `chunkKey` gives. */
  readonly chunks: ReadonlyMap<number, ChunkInfo>
  /** Bytes that they take in the blob; batched chunks count with their decoded bytes. */
  readonly size: number
}

/** Tells the chunks of one blob apart: v6 numbers them, older v5 builders do not. */
export function chunkKey(fsVersion: Bootstrap['fsVersion'], chunk: ChunkInfo): number {
  return fsVersion === 6 ? chunk.chunkIndex : chunk.compressedOffset
}

/**
 * @param chunks of all files; records may occur often.
 * @returns by blob index.
 */
export function findUsedChunks(
  fsVersion: Bootstrap['fsVersion'],
  chunks: ChunkStore,
): ReadonlyMap<number, UsedChunks> {
  const blobs = new Map<number, { chunks: Map<number, ChunkInfo>; size: number }>()
  for (let position = 0; position < chunks.count; position++) {
    const chunk = chunkAt(chunks, position)
    const blob = blobs.get(chunk.blobIndex) ?? { chunks: new Map(), size: 0 }
    blobs.set(chunk.blobIndex, blob)
    const key = chunkKey(fsVersion, chunk)
    if (blob.chunks.has(key)) continue
    blob.chunks.set(key, chunk)
    blob.size += storedSize(chunk)
  }
  return blobs
}

/** Batched chunks have no stored size of their own. */
function storedSize(chunk: ChunkInfo): number {
  return chunk.compressedSize > 0 ? chunk.compressedSize : chunk.uncompressedSize
}
