// SPDX-License-Identifier: Apache-2.0
/** The worker's half of chunk-pool.ts: digest, CRC-32C and compression of whole batches, in place. */
import { crc32c } from '@nydus/base/binary'
import { type Digester, digestBytes } from '@nydus/base/digest'
import type { ChunkCompressor } from '../layer/build-options.ts'
import { batchChunk, type ChunkBatch, STORED_SKIPPED, viewBatch } from './chunk-batch.ts'
import { type CompressChunk, createChunkCompressor } from './chunk-compressor.ts'
import { SeenDigests } from './seen-digests.ts'

/** Main thread → worker. */
export type WorkerRequest =
  | {
      readonly kind: 'batch'
      readonly ticket: number
      readonly lane: number
      readonly compressor: ChunkCompressor
      readonly digester: Digester
      readonly buffer: SharedArrayBuffer
      readonly count: number
    }
  | { readonly kind: 'forget'; readonly lane: number }

/** Worker → main thread: the batch is done, or why it is not. */
export interface WorkerReply {
  readonly ticket: number
  readonly failure?: string
}

const compressors = new Map<ChunkCompressor, CompressChunk>()
/** Digests that this worker has compressed, by lane. A lane's batches come in order, so the first of two equal chunks
 * is always committed before the second. */
const seenByLane = new Map<number, SeenDigests>()

/** Takes a request. @returns the reply, if the request has one. */
export function handleChunkRequest(request: WorkerRequest): WorkerReply | undefined {
  if (request.kind === 'batch') return answer(request)
  seenByLane.delete(request.lane)
  return undefined
}

function answer(request: Extract<WorkerRequest, { kind: 'batch' }>): WorkerReply {
  const { ticket, lane, compressor, digester, buffer, count } = request
  try {
    const batch = viewBatch(buffer)
    const compress = compressorOf(compressor)
    const seen = seenOf(lane)
    for (let i = 0; i < count; i++) processChunk(batch, i, digester, compress, seen)
    return { ticket }
  } catch (cause) {
    // What was remembered of this lane may not reach the blob.
    seenByLane.delete(lane)
    return { ticket, failure: cause instanceof Error ? cause.message : String(cause) }
  }
}

function processChunk(
  batch: ChunkBatch,
  i: number,
  digester: Digester,
  compress: CompressChunk,
  seen: SeenDigests,
): void {
  const chunk = batchChunk(batch, i)
  const digest = digestBytes(digester, chunk)
  batch.digests.set(digest, i * digest.length)
  batch.crcs[i] = crc32c(chunk)
  if (seen.hasOrAdd(digest)) {
    batch.storedSizes[i] = STORED_SKIPPED
    return
  }
  const compressed = batch.plain[i] === 1 ? undefined : compress(chunk)
  batch.storedSizes[i] = compressed?.length ?? chunk.length
  if (compressed !== undefined) chunk.set(compressed)
}

function compressorOf(name: ChunkCompressor): CompressChunk {
  const compressor = compressors.get(name) ?? createChunkCompressor(name)
  compressors.set(name, compressor)
  return compressor
}

function seenOf(lane: number): SeenDigests {
  const seen = seenByLane.get(lane) ?? new SeenDigests()
  seenByLane.set(lane, seen)
  return seen
}
