// SPDX-License-Identifier: Apache-2.0
/** Takes processed batches in the order of the files, whenever workers finish them: files, chunks, progress. */
import type { ChunkBatch } from '../chunk/chunk-batch.ts'
import type { ChunkLane } from '../chunk/chunk-pool.ts'
import type { ChunkRun } from '../tree/node-of-entry.ts'

/** Where a chunk belongs. */
export interface ChunkPlace {
  /** Bytes before it in its file. */
  readonly fileOffset: number
  /** Number of chunks of that file. */
  readonly fileChunks: number
}

/** What happens with chunks and files, always in the order of the files. */
export interface CommitTarget<File> {
  /**
   * Stores chunk `i` of the batch unless it exists, and records where it is.
   * @returns the index of the record; the chunks of a file have consecutive ones.
   */
  addChunk(batch: ChunkBatch, i: number, place: ChunkPlace): number
  /** Called after each batch of so many chunks; waits for the sink. */
  flush(chunkCount: number): Promise<void> | undefined
  /** Takes a file with all its chunks. */
  addFile(file: File, chunks: ChunkRun): void
}

interface PendingFile<File> {
  readonly file: File
  readonly chunkCount: number
  chunkStart: number
  /** Chunks that are stored. */
  done: number
}

/** The ordered end of the pipeline. A failure aborts `stop`, which wakes every other part of the build. */
export class LayerCommits<File> {
  readonly #lane: ChunkLane
  readonly #target: CommitTarget<File>
  readonly #chunkSize: number
  readonly #stop: AbortController
  /** Files in order whose chunks are not all there yet; a queue with its head at `#head`. */
  #files: PendingFile<File>[] = []
  #head = 0
  #tail: Promise<void> = Promise.resolve()

  constructor(lane: ChunkLane, chunkSize: number, target: CommitTarget<File>, stop: AbortController) {
    this.#lane = lane
    this.#chunkSize = chunkSize
    this.#target = target
    this.#stop = stop
  }

  /** Announces a file; its chunks come with the next batches. One without chunks waits for those before it. */
  expect(file: File, chunkCount: number): void {
    if (chunkCount === 0 && this.#head === this.#files.length) {
      this.#target.addFile(file, { chunkStart: 0, chunkCount })
    } else this.#files.push({ file, chunkCount, chunkStart: 0, done: 0 })
  }

  /** Sends a batch to a worker and commits it after all batches before it. */
  submit(batch: ChunkBatch): void {
    const processed = this.#lane.process(batch)
    const previous = this.#tail
    this.#tail = this.#commitAfter(previous, processed, batch)
  }

  /** Waits until everything submitted is committed. @throws the failure that aborted the build. */
  async drained(): Promise<void> {
    await this.#tail
    this.#stop.signal.throwIfAborted()
  }

  /** Never rejects: the failure goes to `stop`. */
  async #commitAfter(previous: Promise<void>, processed: Promise<void>, batch: ChunkBatch): Promise<void> {
    try {
      const [outcome] = await Promise.all([settled(processed), previous])
      if (this.#stop.signal.aborted) return
      if (outcome !== undefined) throw outcome.cause
      this.#commit(batch)
      await this.#target.flush(batch.count)
    } catch (cause) {
      this.#stop.abort(cause)
    } finally {
      this.#lane.release(batch)
    }
  }

  #commit(batch: ChunkBatch): void {
    for (let i = 0; i < batch.count; i++) {
      this.#finishEmpty()
      const pending = this.#files[this.#head]
      if (pending === undefined) throw new RangeError('a chunk belongs to no file')
      const place = { fileOffset: pending.done * this.#chunkSize, fileChunks: pending.chunkCount }
      const record = this.#target.addChunk(batch, i, place)
      if (pending.done === 0) pending.chunkStart = record
      pending.done += 1
      if (pending.done === pending.chunkCount) this.#finish(pending)
    }
    this.#finishEmpty()
  }

  #finishEmpty(): void {
    for (;;) {
      const pending = this.#files[this.#head]
      if (pending === undefined || pending.chunkCount > 0) return
      this.#finish(pending)
    }
  }

  #finish({ file, chunkStart, chunkCount }: PendingFile<File>): void {
    this.#head += 1
    if (this.#head === this.#files.length || this.#head > 1024) {
      this.#files = this.#files.slice(this.#head)
      this.#head = 0
    }
    this.#target.addFile(file, { chunkStart, chunkCount })
  }
}

async function settled(promise: Promise<void>): Promise<{ readonly cause: unknown } | undefined> {
  try {
    await promise
    return undefined
  } catch (cause) {
    return { cause }
  }
}
