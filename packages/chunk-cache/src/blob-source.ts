// SPDX-License-Identifier: Apache-2.0
/** The port through which the cache reads blobs. */
import type { ByteRange } from '@nydus/base/binary'

/**
 * Random access to the stored bytes of one blob. Whoever can read a range meets it: a registry, a directory, a bucket.
 * `read` may be called concurrently, is idempotent, resolves to exactly `range.length` bytes or rejects, and rejects
 * with the signal's reason soon after `signal` aborts. Retries and deadlines are the source's business.
 */
export interface BlobSource {
  /** 64 hex digits. */
  readonly blobId: string
  read(range: ByteRange, options: { readonly signal?: AbortSignal }): Promise<Uint8Array>
  /** Size of the stored blob in bytes. */
  size?(signal?: AbortSignal): Promise<number>
}
