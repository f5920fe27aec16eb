// SPDX-License-Identifier: Apache-2.0
/** Worker threads that digest and compress batches of chunks, shared by all layers that are built at a time. */
import { availableParallelism } from 'node:os'
import { alignUp } from '@nydus/base/binary'
import type { Digester } from '@nydus/base/digest'
import { BuildError } from '../build-error.ts'
import { DecoderSet } from '../decode/decoder-set.ts'
import { type ChunkCompressor, MIN_CHUNK_SIZE } from '../layer/build-options.ts'
import { WorkerThread } from '../worker/worker-thread.ts'
import { BatchAllocator, type BatchHolder } from './batch-allocator.ts'
import { BATCH_MIN_BYTES, type ChunkBatch } from './chunk-batch.ts'

/** Size of the pool. */
export interface ChunkPoolOptions {
  /** Worker threads, default the number of processors that this process may use. */
  readonly workers?: number
  /** Bytes of chunks that may wait or be worked on at a time, over all layers. Default 4 MiB a worker, 16 to 32 MiB. */
  readonly maxInFlightBytes?: number
}

/** A set of worker threads. Idle workers do not keep the process alive. */
export interface ChunkPool {
  readonly workerCount: number
  /** Opens a layer's way through the pool. Its owner closes it. */
  openLane(options: LaneOptions): ChunkLane
  /** Stops the workers; builds under way fail. */
  close(): Promise<void>
}

/** How a layer's chunks are treated. */
export interface LaneOptions {
  readonly compressor: ChunkCompressor
  readonly digester: Digester
  /** Bytes. */
  readonly chunkSize: number
}

/** One layer's way through the pool. */
export interface ChunkLane {
  /** An empty batch, as soon as the bytes in flight allow it. Rejects when the lane is closed. */
  acquire(): Promise<ChunkBatch>
  /**
   * Digests and compresses the batch's chunks; batches of one lane must be committed in the order of these calls.
   * @throws {BuildError} ERR_BUILD_IO when the worker crashed or the pool was closed.
   */
  process(batch: ChunkBatch): Promise<void>
  /** Gives a batch back that was processed and read, or was not used. */
  release(batch: ChunkBatch): void
  /**
   * Decodes a layer in a thread of its own; see DecodeThread. A piece is valid only until the next one is asked for.
   * @param onDigest takes the hex SHA-256 of all plain bytes, at the end.
   */
  decode(
    source: AsyncIterable<Uint8Array>,
    compression: 'gzip' | 'zstd',
    onDigest: (digest: string) => void,
  ): AsyncIterable<Uint8Array>
  /** Ends the lane; `acquire` calls that wait are rejected with `cause`. */
  close(cause?: unknown): void
}

/** Measured: with two workers, more than 16 MiB was no faster. */
const IN_FLIGHT_BYTES = { worker: 4 << 20, least: 16 << 20, most: 32 << 20 } as const
/** Batches that a lane may hold beyond that: one to fill, the others at work. */
const MAX_RESERVE = 4

/**
 * Starts a pool.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a number of workers below 1.
 */
export function createChunkPool(options: ChunkPoolOptions = {}): ChunkPool {
  const workerCount = options.workers ?? availableParallelism()
  if (!Number.isSafeInteger(workerCount) || workerCount < 1) {
    throw new BuildError('ERR_BUILD_OPTION_CONFLICT', `${workerCount} worker threads, at least 1 expected`)
  }
  const allocator = new BatchAllocator(options.maxInFlightBytes ?? inFlightBytes(workerCount))
  const workers = Array.from({ length: workerCount }, () => new WorkerThread())
  const decoders = new DecoderSet()
  let lanes = 0
  let open = 0
  return {
    workerCount,
    openLane(lane) {
      lanes += 1
      open += 1
      return openLane(lanes, lane, allocator, workers, decoders, () => {
        open -= 1
        if (open === 0) allocator.dropFree()
      })
    },
    async close() {
      await Promise.all([...workers.map((worker) => worker.close()), decoders.close()])
    },
  }
}

function inFlightBytes(workerCount: number): number {
  const { worker, least, most } = IN_FLIGHT_BYTES
  return Math.min(Math.max(workerCount * worker, least), most)
}

function openLane(
  lane: number,
  options: LaneOptions,
  allocator: BatchAllocator,
  workers: readonly WorkerThread[],
  decoders: DecoderSet,
  onClose: () => void,
): ChunkLane {
  const { compressor, digester } = options
  const capacity = alignUp(Math.max(options.chunkSize, BATCH_MIN_BYTES), MIN_CHUNK_SIZE)
  const holder: BatchHolder = { held: 0, capacity, reserve: Math.min(workers.length + 1, MAX_RESERVE) }
  let closed: { readonly cause: unknown } | undefined
  return {
    async acquire() {
      if (closed !== undefined) throw closed.cause
      return await allocator.acquire(holder)
    },
    async process(batch) {
      const worker = leastLoaded(workers)
      const { buffer, count, filled } = batch
      await worker.run({ kind: 'batch', lane, compressor, digester, buffer, count }, filled)
    },
    decode: (source, compression, onDigest) => decoders.decode(source, compression, onDigest),
    release: (batch) => allocator.release(holder, batch),
    close(cause = new BuildError('ERR_BUILD_IO', 'the layer build was closed')) {
      if (closed !== undefined) return
      closed = { cause }
      allocator.cancel(holder, cause)
      onClose()
      for (const worker of workers) worker.forget(lane)
    },
  }
}

function leastLoaded(workers: readonly WorkerThread[]): WorkerThread {
  return workers.reduce((best, worker) => (worker.queuedBytes < best.queuedBytes ? worker : best))
}
