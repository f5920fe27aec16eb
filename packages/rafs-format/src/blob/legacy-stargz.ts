// SPDX-License-Identifier: Apache-2.0
/**
 * Blobs of stargz images from before 2.2: gzip chunks without a chunk array of version 2. Their tables do not know how
 * many bytes a chunk takes in the blob, only where it starts and how long it is uncompressed.
 */
import { BLOB_FEATURES } from '../flags.ts'
import type { BlobInfo } from '../v6/blob-table.ts'

const GZIP_HEADER_BYTES = 10
const GZIP_TRAILER_BYTES = 8
/** A stored block's header. */
const BLOCK_HEADER_BYTES = 5
/** zlib starts a new stored block after this many bytes at the latest. */
const BLOCK_BYTES = 16_384
/** Room for optional gzip header fields. */
const EXTRA_BYTES = 128

/** Tells whether `blob` is one of these. */
export function isLegacyStargz(blob: Pick<BlobInfo, 'features' | 'compressor'>): boolean {
  return blob.compressor === 'gzip' && (blob.features & BLOB_FEATURES.CHUNK_INFO_V2) === 0
}

/**
 * How many bytes to read so that the gzip member of a chunk is among them.
 * @param uncompressedSize bytes of the chunk.
 * @param available bytes from the start of the member to the end of the blob.
 */
export function legacyStargzReadSize(uncompressedSize: number, available: number): number {
  const blocks = Math.floor(uncompressedSize / BLOCK_BYTES)
  const largest =
    uncompressedSize +
    GZIP_HEADER_BYTES +
    GZIP_TRAILER_BYTES +
    BLOCK_HEADER_BYTES * (blocks + 1) +
    EXTRA_BYTES
  return Math.min(largest, available)
}
