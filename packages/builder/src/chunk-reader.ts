// SPDX-License-Identifier: Apache-2.0
/** The port through which images that exist already are read. `@nydus/chunk-cache` has an implementation. */
import type { ChunkInfo } from '@nydus/rafs-format'

/** Reads the blobs of one open bootstrap. */
export interface ChunkReader {
  /**
   * The decoded bytes of a chunk. They belong to the caller.
   * @param blobIndex position of the blob in the bootstrap's blob table.
   * @param chunk as the bootstrap has it.
   * @returns `chunk.uncompressedSize` bytes, verified as far as the image has digests or checksums.
   */
  readChunk(blobIndex: number, chunk: ChunkInfo, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * Bytes of a blob file as stored: neither decrypted nor decompressed.
   * @param range bytes from the start of the blob file.
   * @returns `range.length` bytes.
   */
  readStored(
    blobIndex: number,
    range: { readonly offset: number; readonly length: number },
    signal?: AbortSignal,
  ): Promise<Uint8Array>
}
