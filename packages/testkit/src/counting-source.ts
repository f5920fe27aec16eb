// SPDX-License-Identifier: Apache-2.0
/** A blob source over bytes in memory that counts what is read: for a lazy loader the byte count is the product. */

/** A range of bytes, as all ports of this project name it. */
interface Range {
  readonly offset: number
  readonly length: number
}

/** Counts of a `CountingSource`. */
export interface SourceCounts {
  readonly reads: number
  readonly bytes: number
  readonly ranges: readonly Range[]
}

/** Fits chunk-cache's `BlobSource`. */
export interface CountingSource {
  readonly blobId: string
  read(range: Range, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
  size(): Promise<number>
  readonly counts: SourceCounts
  /** The next `times` reads reject with `error`. */
  failNext(error: Error, times?: number): void
}

/** Serves `bytes` as blob `blobId`. */
export function countingSource(blobId: string, bytes: Uint8Array): CountingSource {
  const ranges: Range[] = []
  let failures: { error: Error; left: number } | undefined
  return {
    blobId,
    async read({ offset, length }, options = {}) {
      options.signal?.throwIfAborted()
      ranges.push({ offset, length })
      if (failures !== undefined && failures.left > 0) {
        failures.left -= 1
        throw failures.error
      }
      if (offset < 0 || offset + length > bytes.length) {
        throw new RangeError(`blob ${blobId}: ${length} bytes at ${offset}, it has ${bytes.length}`)
      }
      return bytes.slice(offset, offset + length)
    },
    size: async () => bytes.length,
    get counts() {
      return {
        reads: ranges.length,
        bytes: ranges.reduce((sum, { length }) => sum + length, 0),
        ranges: [...ranges],
      }
    },
    failNext(error, times = 1) {
      failures = { error, left: times }
    },
  }
}
