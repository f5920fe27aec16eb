// SPDX-License-Identifier: Apache-2.0
/** Cuts file contents into chunks of fixed size, straight into the batches that workers take. */
import { isBatched } from '../blob/batch-buffer.ts'
import { BATCH_MAX_CHUNKS, type ChunkBatch } from './chunk-batch.ts'
import type { ChunkLane } from './chunk-pool.ts'

/** Number of chunks of a file of `size` bytes. */
export function chunkCountOf(size: number, chunkSize: number): number {
  return Math.ceil(size / chunkSize)
}

/** Fills batches. One file after the other; a batch holds chunks of many small files or of one large file. */
export class Chunker {
  readonly #lane: ChunkLane
  readonly #chunkSize: number
  readonly #submit: (batch: ChunkBatch) => void
  readonly #batchSize: number
  #batch: ChunkBatch | undefined

  /**
   * @param submit takes full batches, in order.
   * @param batchSize of the blob's batches: their chunks are not compressed one by one. 0 for none.
   */
  constructor(lane: ChunkLane, chunkSize: number, submit: (batch: ChunkBatch) => void, batchSize = 0) {
    this.#lane = lane
    this.#chunkSize = chunkSize
    this.#submit = submit
    this.#batchSize = batchSize
  }

  /**
   * Takes a file. Waits while too many bytes are in flight.
   * @param size bytes that `content` yields.
   */
  async addFile(size: number, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const plain = this.#isPlain(size)
    let left = size
    let chunkLeft = 0
    for await (const piece of content) {
      for (let at = 0; at < piece.length; ) {
        if (chunkLeft === 0) {
          chunkLeft = Math.min(left, this.#chunkSize)
          if (!this.#openChunk(chunkLeft, plain)) await this.#openInNewBatch(chunkLeft, plain)
        }
        const length = Math.min(chunkLeft, piece.length - at)
        this.#append(at === 0 && length === piece.length ? piece : piece.subarray(at, at + length))
        at += length
        left -= length
        chunkLeft -= length
      }
    }
    if (left !== 0) throw new RangeError(`file content is ${left} bytes short of ${size}`)
  }

  /** Takes a small file if it is one chunk and the current batch has room for it: nothing waits. */
  addBuffered(bytes: Uint8Array): boolean {
    if (bytes.length > this.#chunkSize) return false
    if (!this.#openChunk(bytes.length, isBatched(bytes.length, 1, this.#batchSize))) return false
    this.#append(bytes)
    return true
  }

  /**
   * Takes a file that is read straight into batches. Waits while too many bytes are in flight.
   * @param size bytes of the file.
   * @param readInto fills its argument with the next bytes of the file.
   */
  async readFile(size: number, readInto: (target: Uint8Array) => void): Promise<void> {
    const plain = this.#isPlain(size)
    for (let left = size; left > 0; ) {
      const length = Math.min(left, this.#chunkSize)
      if (!this.#openChunk(length, plain)) await this.#openInNewBatch(length, plain)
      const batch = this.#batch as ChunkBatch
      readInto(batch.data.subarray(batch.filled, batch.filled + length))
      batch.filled += length
      left -= length
    }
  }

  /** Submits what has been collected. */
  flush(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (batch !== undefined) this.#submit(batch)
  }

  /** Gives back what has been collected: the build failed. */
  discard(): void {
    if (this.#batch !== undefined) this.#lane.release(this.#batch)
    this.#batch = undefined
  }

  #isPlain(fileSize: number): boolean {
    return isBatched(fileSize, chunkCountOf(fileSize, this.#chunkSize), this.#batchSize)
  }

  /** Makes room for a chunk in the current batch, if it fits. */
  #openChunk(size: number, plain: boolean): boolean {
    const batch = this.#batch
    if (batch === undefined || batch.count === BATCH_MAX_CHUNKS) return false
    if (batch.filled + size > batch.data.length) return false
    batch.offsets[batch.count] = batch.filled
    batch.sizes[batch.count] = size
    batch.plain[batch.count] = plain ? 1 : 0
    batch.count += 1
    return true
  }

  async #openInNewBatch(size: number, plain: boolean): Promise<void> {
    this.flush()
    this.#batch = await this.#lane.acquire()
    if (!this.#openChunk(size, plain))
      throw new RangeError(`a chunk of ${size} bytes does not fit an empty batch`)
  }

  #append(bytes: Uint8Array): void {
    const batch = this.#batch as ChunkBatch
    batch.data.set(bytes, batch.filled)
    batch.filled += bytes.length
  }
}
