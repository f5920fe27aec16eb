// SPDX-License-Identifier: Apache-2.0
/** What another thread of the process needs to serve ready chunks without asking the cache. */
import type { ChunkLayout } from './chunk-layout.ts'

/** Structured-cloneable; valid until the cache that made it is closed. All arrays lie in shared memory. */
export interface SharedBlobView {
  readonly blobIndex: number
  /**
   * Descriptor of `<blob id>.blob.data`, good for positioned reads in every thread of the process; −1 where the cache does
   * not hold plain bytes (compressed, encrypted): then everything has to be asked from the cache.
   */
  readonly fd: number
  /** Size of the uncompressed blob in bytes. */
  readonly uncompressedSize: number
  /** Offset of each chunk in the uncompressed blob, ascending. */
  readonly chunkStarts: Float64Array
  /** Uncompressed size of each chunk in bytes. Bytes between chunks are zero and always ready. */
  readonly chunkSizes: Uint32Array
  /** Readiness, most significant bit first, empty without a descriptor; read it with Atomics.load. Bits are set, and cleared only after the disk lost data. */
  readonly readyBits: Uint8Array
}

/** The chunk boundaries of a blob. */
export type ChunkBounds = Pick<SharedBlobView, 'chunkStarts' | 'chunkSizes'>

/** The chunk boundaries of `layout` in shared memory. */
export function shareChunkBounds(layout: Pick<ChunkLayout, 'chunkCount' | 'chunk'>): ChunkBounds {
  const count = layout.chunkCount
  const chunkStarts = new Float64Array(new SharedArrayBuffer(count * 8))
  const chunkSizes = new Uint32Array(new SharedArrayBuffer(count * 4))
  for (let index = 0; index < count; index++) {
    const chunk = layout.chunk(index)
    chunkStarts[index] = chunk.uncompressedOffset
    chunkSizes[index] = chunk.uncompressedSize
  }
  return { chunkStarts, chunkSizes }
}

/**
 * Index of the first chunk that ends after `offset`: the one that covers it, or the next one when `offset` lies in the
 * padding behind a chunk. `chunkStarts.length` when there is none.
 */
export function firstChunkAt(bounds: ChunkBounds, offset: number): number {
  const { chunkStarts, chunkSizes } = bounds
  let low = 0
  let high = chunkStarts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const end = (chunkStarts[middle] as number) + (chunkSizes[middle] as number)
    if (end > offset) high = middle
    else low = middle + 1
  }
  return low
}
