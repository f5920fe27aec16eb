// SPDX-License-Identifier: Apache-2.0
/** A worker's table of opened blobs, and the question that decides whether it can answer a READ itself. */
import type { SharedBlobView } from './blob-range-reader.ts'

const MOST_SIGNIFICANT_BIT = 0x80

/** Views by key: a blob's index in the bootstrap, or the nodeid of its device. */
export interface BlobViews {
  add(key: number, view: SharedBlobView): void
  /** undefined until the blob has been opened. */
  get(key: number): SharedBlobView | undefined
  remove(key: number): void
}

/** An empty table. */
export function createBlobViews(): BlobViews {
  const views = new Map<number, SharedBlobView>()
  return {
    add: (key, view) => void views.set(key, view),
    get: (key) => views.get(key),
    remove: (key) => void views.delete(key),
  }
}

/** Tells whether every chunk that touches `[offset, offset + length)` of the decoded blob is in the file. */
export function isRangeReady(view: SharedBlobView, offset: number, length: number): boolean {
  const end = offset + length
  if (end > view.uncompressedSize) return false
  let position = offset
  for (let index = lastChunkFrom(view.chunkStarts, offset); position < end; index += 1) {
    const start = view.chunkStarts[index]
    const size = view.chunkSizes[index]
    if (start === undefined || size === undefined || start > position || !isChunkReady(view.readyBits, index))
      return false
    position = Math.max(position, start + size)
    // A range that begins behind its last chunk lies in a gap between chunks.
    if (position === offset) return false
  }
  return true
}

/** Tells whether every chunk that touches the range is in the file; gaps between chunks, and what lies behind the last, hold nothing. */
export function isCovered(view: SharedBlobView, offset: number, length: number): boolean {
  const end = offset + length
  for (let index = Math.max(0, lastChunkFrom(view.chunkStarts, offset)); ; index += 1) {
    const start = view.chunkStarts[index]
    if (start === undefined || start >= end) return true
    const touches = start + (view.chunkSizes[index] ?? 0) > offset
    if (touches && !isChunkReady(view.readyBits, index)) return false
  }
}

function isChunkReady(bits: Uint8Array, index: number): boolean {
  const byte = index >>> 3
  return byte < bits.length && (Atomics.load(bits, byte) & (MOST_SIGNIFICANT_BIT >>> (index & 7))) !== 0
}

/** Index of the last chunk that starts at or before `offset`; −1 if there is none. */
function lastChunkFrom(starts: Float64Array, offset: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] ?? Number.POSITIVE_INFINITY) <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}
