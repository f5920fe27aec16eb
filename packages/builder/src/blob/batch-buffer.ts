// SPDX-License-Identifier: Apache-2.0
/** Small chunks that are stored as one. */
import type { BatchContext, ContextSlice } from '@nydus/rafs-format'

/** Tells whether a chunk goes into a batch: the only one of its file, and less than half a batch. */
export function isBatched(size: number, fileChunks: number, batchSize: number): boolean {
  return fileChunks === 1 && size < batchSize / 2
}

/** The batch that is filled, and the contexts of those before it. */
export class BatchBuffer {
  readonly #bytes: Uint8Array
  readonly #contexts: BatchContext[] = []
  #filled = 0

  /** @param batchSize bytes that a batch stays below. */
  constructor(batchSize: number) {
    this.#bytes = new Uint8Array(batchSize)
  }

  /** Of all batches that are stored. */
  get contexts(): readonly BatchContext[] {
    return this.#contexts
  }

  /** The chunks of the batch, back to back: a view. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#filled)
  }

  /** True when the batch still takes a chunk of `size` bytes. */
  hasRoom(size: number): boolean {
    return this.#filled + size < this.#bytes.length
  }

  /** Appends a copy of a chunk for which there is room. @returns its place. */
  add(chunk: Uint8Array): ContextSlice {
    const slice = { context: this.#contexts.length, offset: this.#filled }
    this.#bytes.set(chunk, this.#filled)
    this.#filled += chunk.length
    return slice
  }

  /** Ends the batch, which was stored in so many bytes. */
  end(compressedSize: number): void {
    this.#contexts.push({ compressedSize, uncompressedSize: this.#filled })
    this.#filled = 0
  }
}
