// SPDX-License-Identifier: Apache-2.0
/** Chunks as they are, each at its uncompressed offset: `<blob id>.blob.data`. */
import type { FileHandle } from 'node:fs/promises'
import type { ChunkData } from './chunk-data.ts'
import { readAt, writeAt } from './file-io.ts'
import type { ChunkBounds } from './shared-view.ts'

/** @param file owned from now on. */
export function plainData(file: FileHandle, path: string, bounds: ChunkBounds): ChunkData {
  return {
    path,
    fd: file.fd,
    write: (first, chunks) =>
      writeAt(file, joinChunks(bounds, first, chunks), bounds.chunkStarts[first] as number),
    read: ({ offset, length }) => readAt(file, offset, length),
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

/** Chunks as they lie in the uncompressed blob, from the start of the first: padding between them is zero. */
export function joinChunks(bounds: ChunkBounds, first: number, chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const start = bounds.chunkStarts[first] as number
  const last = first + chunks.length - 1
  const joined = new Uint8Array(
    (bounds.chunkStarts[last] as number) + (bounds.chunkSizes[last] as number) - start,
  )
  for (const [i, bytes] of chunks.entries()) {
    joined.set(bytes, (bounds.chunkStarts[first + i] as number) - start)
  }
  return joined
}
