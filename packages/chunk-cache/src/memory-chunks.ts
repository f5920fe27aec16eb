// SPDX-License-Identifier: Apache-2.0
/** The few chunks that are kept while the disk has no room: a file is read in many small pieces. */

/** Most recently used chunks, up to a fixed number of bytes. */
export interface MemoryChunks {
  /** Those of `chunks` that are here. */
  take(chunks: readonly number[]): ReadonlyMap<number, Uint8Array>
  keep(chunks: ReadonlyMap<number, Uint8Array>): void
}

/** Creates an empty set that keeps up to `maxBytes`. */
export function createMemoryChunks(maxBytes: number): MemoryChunks {
  const kept = new Map<number, Uint8Array>()
  let size = 0

  const drop = (chunk: number): void => {
    size -= kept.get(chunk)?.length ?? 0
    kept.delete(chunk)
  }

  return {
    take(chunks) {
      const found = new Map<number, Uint8Array>()
      for (const chunk of chunks) {
        const bytes = kept.get(chunk)
        if (bytes === undefined) continue
        found.set(chunk, bytes)
        kept.delete(chunk)
        kept.set(chunk, bytes)
      }
      return found
    },
    keep(chunks) {
      for (const [chunk, bytes] of chunks) {
        drop(chunk)
        kept.set(chunk, bytes)
        size += bytes.length
      }
      for (const chunk of kept.keys()) {
        if (size <= maxBytes) break
        drop(chunk)
      }
    },
  }
}
