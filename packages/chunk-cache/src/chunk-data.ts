// SPDX-License-Identifier: Apache-2.0
/** The port behind which the three ways to keep chunks in a file look alike. */
import type { ByteRange } from '@nydus/base/binary'

/** Bytes of a blob as they came from its source. */
export interface StoredBytes {
  /** In the blob. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The file that holds the chunks of one blob. All methods throw what the file operation throws. */
export interface ChunkData {
  /** Of the file, for messages. */
  readonly path: string
  /** Good for reading plain bytes at their uncompressed offset, in any thread; −1 where the file holds something else. */
  readonly fd: number
  /**
   * Writes consecutive chunks from chunk `first` on.
   * @param stored what they were decoded from.
   */
  write(first: number, chunks: readonly Uint8Array[], stored: readonly StoredBytes[]): Promise<void>
  /**
   * Plain bytes of the uncompressed blob; what is not ready reads as anything.
   * @throws {DigestError} when the file does not hold what it should, where that can be seen.
   */
  read(range: ByteRange, isReady: (chunkIndex: number) => boolean): Promise<Uint8Array>
  /** Makes what was written durable. */
  sync(): Promise<void>
  close(): Promise<void>
}
