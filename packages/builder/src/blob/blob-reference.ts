// SPDX-License-Identifier: Apache-2.0
/** A blob that exists already: a layer as registries have it, whose bytes are chunks where they lie. */
import type { ContextSlice, ZranPoint } from '@nydus/rafs-format'

/** Where one chunk lies in such a blob. */
export interface ReferencedChunk {
  readonly compressedOffset: number
  /** Bytes. */
  readonly compressedSize: number
  readonly compressed: boolean
  /** False where the checksum of its bytes is not known. */
  readonly hasCrc32c: boolean
  /** In a zran context, where the blob is a gzip file without a member for each chunk. */
  readonly slice?: ContextSlice
}

/** The blob, and the chunks in it. */
export interface BlobReference {
  /** Asked once for each chunk of each file in order, also for those that need no record. */
  nextChunk(): ReferencedChunk
  /** All zran contexts; undefined for a blob that is no plain gzip file. Asked after the last chunk. */
  readonly zranPoints: readonly ZranPoint[] | undefined
  /** Bytes of the blob. Asked after the last chunk. */
  readonly size: number
  /** The blob's id. Asked after the last chunk. */
  readonly id: string
}
