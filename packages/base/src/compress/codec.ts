// SPDX-License-Identifier: Apache-2.0
/** The port that all codecs meet. */

/** RAFS compressors, by the names that `output.json` uses. */
export type Compressor = 'none' | 'lz4_block' | 'gzip' | 'zstd'

/** One-shot compression of whole buffers. Both directions are synchronous: call them in workers for bulk work. */
export interface Codec {
  readonly name: Compressor
  compress(bytes: Uint8Array): Uint8Array
  /**
   * Decompresses to at most `maxBytes`.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED for damaged input, ERR_DECOMPRESS_TOO_LARGE past the cap.
   */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array
}
