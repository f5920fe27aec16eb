// SPDX-License-Identifier: Apache-2.0
/** Cuts file contents into chunks of fixed size, straight into the batches that workers take. */
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
  #batch: ChunkBatch | undefined

  /** @param submit takes full batches, in order. */
  constructor(lane: ChunkLane, chunkSize: number, submit: (batch: ChunkBatch) => void) {
    this.#lane = lane
    this.#chunkSize = chunkSize
    this.#submit = submit
  }

  /**
   * Takes a file. Waits while too many bytes are in flight.
   * @param size bytes that `content` yields.
   */
  async addFile(size: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    let left = size
    let chunkLeft = 0
    for await (const piece of content) {
      for (let at = 0; at < piece.length; ) {
        if (chunkLeft === 0) {
          chunkLeft = Math.min(left, this.#chunkSize)
          if (!this.#openChunk(chunkLeft)) await this.#openInNewBatch(chunkLeft)
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

  /** Makes room for a chunk in the current batch, if it fits. */
  #openChunk(size: number): boolean {
    const batch = this.#batch
    if (batch === undefined || batch.count === BATCH_MAX_CHUNKS) return false
    if (batch.filled + size > batch.data.length) return false
    batch.offsets[batch.count] = batch.filled
    batch.sizes[batch.count] = size
    batch.count += 1
    return true
  }

  async #openInNewBatch(size: number): Promise<void> {
    this.flush()
    this.#batch = await this.#lane.acquire()
    if (!this.#openChunk(size)) throw new RangeError(`a chunk of ${size} bytes does not fit an empty batch`)
  }

  #append(bytes: Uint8Array): void {
    const batch = this.#batch as ChunkBatch
    batch.data.set(bytes, batch.filled)
    batch.filled += bytes.length
  }
}
