// SPDX-License-Identifier: Apache-2.0
/** The port through which this package gets blob data. The consumer of a mount meets it structurally. */
import type { ByteRange } from '@nydus/base/binary'

/**
 * One blob's decoded file and the map of what is in it. All members can be posted to worker threads; the arrays lie
 * over SharedArrayBuffers, so that a chunk that becomes ready is seen by every thread at once.
 */
export interface SharedBlobView {
  readonly blobIndex: number
  /**
   * Descriptor of the decoded blob, valid in the whole process, open until the mount is closed; −1 where no file holds it
   * decoded: then there are no bits either, and `read` gives the bytes.
   */
  readonly fd: number
  /** Bytes of the decoded blob. */
  readonly uncompressedSize: number
  /** Uncompressed start offset of each chunk, ascending. */
  readonly chunkStarts: Float64Array
  /** Uncompressed bytes of each chunk. */
  readonly chunkSizes: Uint32Array
  /** One bit a chunk, most significant bit first: 1 = its bytes are in the file. Read and written with Atomics. */
  readonly readyBits: Uint8Array
}

/** Where decoded blob bytes come from. Safe for concurrent calls; whoever made it closes it, after the mount is closed. */
export interface BlobRangeReader {
  /** The view of a blob. Called until it succeeds; then its result is kept for the life of the mount. */
  open(blobIndex: number, signal?: AbortSignal): Promise<SharedBlobView>
  /**
   * Resolves when all bytes of `range` (uncompressed blob offsets) are in the file of the view. Rejects when they
   * cannot be had; the read that needed them then fails with EIO.
   */
  fill(blobIndex: number, range: ByteRange, signal?: AbortSignal): Promise<void>
  /**
   * The bytes of `range`, where they need not be in the file. Asked for when `fill` rejects with ERR_CACHE_NO_SPACE, and
   * for blobs without a file; a port without it answers such reads with EIO.
   */
  read?(blobIndex: number, range: ByteRange, signal?: AbortSignal): Promise<Uint8Array>
}
