// SPDX-License-Identifier: Apache-2.0
/** Takes processed batches in the order of the tar, whenever workers finish them: files, chunks, progress. */
import type { ChunkInfo } from '@nydus/rafs-format'
import type { ChunkBatch } from '../chunk/chunk-batch.ts'
import type { ChunkLane } from '../chunk/chunk-pool.ts'

/** What happens with chunks and files, always in the order of the tar. */
export interface CommitTarget<File> {
  /** Stores chunk `i` of the batch unless it exists, and tells where it is. */
  addChunk(batch: ChunkBatch, i: number): ChunkInfo
  /** Called after each batch of so many chunks; waits for the sink. */
  flush(chunkCount: number): Promise<void> | undefined
  /** Takes a file with all its chunks. */
  addFile(file: File, chunks: readonly ChunkInfo[]): void
}

interface PendingFile<File> {
  readonly file: File
  readonly chunkCount: number
  readonly chunks: ChunkInfo[]
}

/** The ordered end of the pipeline. A failure aborts `stop`, which wakes every other part of the build. */
export class LayerCommits<File> {
  readonly #lane: ChunkLane
  readonly #target: CommitTarget<File>
  readonly #chunkSize: number
  readonly #stop: AbortController
  /** Files in tar order whose chunks are not all there yet; a queue with its head at `#head`. */
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
    if (chunkCount === 0 && this.#head === this.#files.length) this.#target.addFile(file, [])
    else this.#files.push({ file, chunkCount, chunks: [] })
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
      const chunk = this.#target.addChunk(batch, i)
      pending.chunks.push(inFile(chunk, pending.chunks.length * this.#chunkSize))
      if (pending.chunks.length === pending.chunkCount) this.#finish(pending)
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

  #finish({ file, chunks }: PendingFile<File>): void {
    this.#head += 1
    if (this.#head === this.#files.length || this.#head > 1024) {
      this.#files = this.#files.slice(this.#head)
      this.#head = 0
    }
    this.#target.addFile(file, chunks)
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

/** A copy of a chunk's record for one place in one file. */
function inFile(chunk: ChunkInfo, fileOffset: number): ChunkInfo {
  return {
    digest: chunk.digest,
    blobIndex: chunk.blobIndex,
    flags: chunk.flags,
    compressedSize: chunk.compressedSize,
    uncompressedSize: chunk.uncompressedSize,
    compressedOffset: chunk.compressedOffset,
    uncompressedOffset: chunk.uncompressedOffset,
    fileOffset,
    chunkIndex: chunk.chunkIndex,
    crc32c: chunk.crc32c,
  }
}
