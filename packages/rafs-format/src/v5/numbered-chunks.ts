// SPDX-License-Identifier: Apache-2.0
/** Chunks of files of v5 with their chunk indexes: stored ones, or, before v1.1, those that `v5Chunks` gives. */
import type { V5Bootstrap } from '../bootstrap.ts'
import type { ChunkInfo } from '../chunk.ts'
import type { ChunkRef } from '../v6/file-extents.ts'
import { v5Chunks } from './collect-chunks.ts'
import { checkV5ChunkPlace, readV5File, storedV5Chunks } from './file-chunks.ts'

/** See `readFileChunks`. */
export function readV5FileChunks(bootstrap: V5Bootstrap, nid: number): ChunkInfo[] {
  const chunks = storedV5Chunks(bootstrap, readV5File(bootstrap, nid))
  for (const [i, chunk] of chunks.entries()) {
    checkV5ChunkPlace(bootstrap, chunk, `chunk ${i} of inode ${nid}`)
  }
  if (bootstrap.hasBlobSizes) return chunks
  const numbers = v5Chunks(bootstrap)
  return chunks.map((chunk) => ({
    ...chunk,
    chunkIndex: numbers.indexAt(chunk.blobIndex, chunk.uncompressedOffset) ?? chunk.chunkIndex,
  }))
}

/** See `readChunkIndex`. */
export function readV5ChunkIndex(bootstrap: V5Bootstrap, nid: number): ChunkRef[] {
  return readV5FileChunks(bootstrap, nid).map(
    ({ blobIndex, chunkIndex, uncompressedOffset, uncompressedSize, fileOffset }) => ({
      blobIndex,
      chunkIndex,
      uncompressedOffset,
      length: uncompressedSize,
      fileOffset,
    }),
  )
}
