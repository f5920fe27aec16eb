// SPDX-License-Identifier: Apache-2.0
/** Reads from the source, checked, limited, counted and reported. */
import type { ByteRange } from '@nydus/base/binary'
import type { BlobSource } from './blob-source.ts'
import { CacheError } from './cache-error.ts'

/** Why something was fetched: blob meta or digests, missing chunks, or a unit that was wrong the first time. */
export type FetchReason = 'meta' | 'digest' | 'read' | 'retry'

/** One finished read of stored bytes. */
export interface FetchReport {
  readonly blobId: string
  /** In the blob. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
  readonly ms: number
  readonly reason: FetchReason
}

/** Counts of one blob's fetches. */
export interface FetchCounts {
  readonly fetches: number
  /** Stored bytes received. */
  readonly fetchedBytes: number
  readonly failedFetches: number
}

/** The source of one blob. */
export interface BlobFetch {
  /** @throws {CacheError} ERR_CACHE_SHORT_READ (retryable) when the source gives another number of bytes, and what the source throws. */
  read(range: ByteRange, reason: FetchReason, signal: AbortSignal | undefined): Promise<Uint8Array>
  counts(): FetchCounts
}

/** @param onFetch is told of every finished read; what it throws is not caught. */
export function createBlobFetch(
  source: BlobSource,
  onFetch: ((report: FetchReport) => void) | undefined,
): BlobFetch {
  let fetches = 0
  let fetchedBytes = 0
  let failedFetches = 0
  return {
    counts: () => ({ fetches, fetchedBytes, failedFetches }),
    async read({ offset, length }, reason, signal) {
      signal?.throwIfAborted()
      const started = performance.now()
      fetches++
      try {
        const bytes = await source.read({ offset, length }, signal === undefined ? {} : { signal })
        if (bytes.length !== length) throw shortRead(source.blobId, offset, length, bytes.length)
        fetchedBytes += length
        onFetch?.({ blobId: source.blobId, offset, length, ms: performance.now() - started, reason })
        return bytes
      } catch (error) {
        failedFetches++
        throw error
      }
    },
  }
}

function shortRead(blobId: string, offset: number, expected: number, found: number): CacheError {
  return new CacheError(
    'ERR_CACHE_SHORT_READ',
    `blob ${blobId}: ${found} bytes came from 0x${offset.toString(16)}, expected ${expected}`,
    { retryable: true, details: { blobId, offset, expected, found } },
  )
}
