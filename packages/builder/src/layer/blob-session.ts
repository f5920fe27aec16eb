// SPDX-License-Identifier: Apache-2.0
/** What every build of a blob has: options, workers, the blob, and one signal that ends all of it. */
import { isNydusError } from '@nydus/base/error'
import { randomCipher } from '../blob/blob-cipher.ts'
import type { BlobReference } from '../blob/blob-reference.ts'
import { BlobWriter } from '../blob/blob-writer.ts'
import { BuildError } from '../build-error.ts'
import type { ChunkLane } from '../chunk/chunk-pool.ts'
import { Chunker } from '../chunk/chunker.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import type { ChunkRun } from '../tree/node-of-entry.ts'
import { type BuildLayerOptions, type BuildPlan, planBuild } from './build-options.ts'
import { type KnownChunks, LayerChunks } from './layer-chunks.ts'
import { LayerCommits } from './layer-commits.ts'

/** A build under way. */
export interface BlobSession {
  readonly options: BuildLayerOptions
  readonly plan: BuildPlan
  readonly lane: ChunkLane
  /** All chunk records: of the blob and of the tree. */
  readonly records: ChunkStore
  readonly blob: BlobWriter
  /** Aborting it ends the build; its signal tells every part. */
  readonly stop: AbortController
}

/**
 * Runs `build` with a lane of the pool and an empty blob, and cleans up.
 * @param reference the blob with the chunks, when what is built only describes it.
 * @throws what `build` throws, ERR_INTERRUPTED for an abort without a coded reason, and what `planBuild` throws.
 */
export async function withBlobSession<T>(
  options: BuildLayerOptions,
  build: (session: BlobSession) => Promise<T>,
  reference?: BlobReference,
): Promise<T> {
  const plan = planBuild(options)
  const stop = new AbortController()
  const onAbort = () => stop.abort(interrupted(options.signal))
  if (options.signal?.aborted) onAbort()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const lane = options.pool.openLane(plan)
  stop.signal.addEventListener('abort', () => lane.close(stop.signal.reason))
  try {
    stop.signal.throwIfAborted()
    const records = new ChunkStore()
    const blob = new BlobWriter(plan, options.sink, stop.signal, records, {
      cipher: plan.encrypt ? (options.cipher ?? randomCipher()) : undefined,
      cache: options.blobCache,
      offset: options.blobOffset,
      reference,
    })
    return await build({ options, plan, lane, records, blob, stop })
  } catch (cause) {
    stop.abort(cause)
    throw stop.signal.reason
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
    lane.close()
  }
}

function interrupted(signal: AbortSignal | undefined): unknown {
  const cause: unknown = signal?.reason
  if (isNydusError(cause)) return cause
  return new BuildError('ERR_INTERRUPTED', 'the layer build was aborted', { cause })
}

/** Where the files of a build go. */
export interface FileSink<File> {
  readonly known: KnownChunks
  /** Takes a file whose chunks are all stored, in order. */
  addFile(file: File, chunks: ChunkRun): void
  /** Bytes of the source read so far, for progress. */
  readonly sourceBytes: number
}

/**
 * Cuts, compresses and stores the files that `read` gives to the chunker, each announced to the commits before.
 * @returns when all of it is in the blob.
 */
export async function storeFiles<File>(
  session: BlobSession,
  sink: FileSink<File>,
  read: (commits: LayerCommits<File>, chunker: Chunker) => Promise<void>,
): Promise<LayerChunks> {
  const { blob, lane, options, plan, stop } = session
  const chunks = new LayerChunks(blob, session.records, sink.known)
  let done = 0
  const target = {
    addChunk: chunks.add.bind(chunks),
    addFile: sink.addFile.bind(sink),
    flush(chunkCount: number) {
      done += chunkCount
      options.onProgress?.({ tarBytes: sink.sourceBytes, chunks: done, blobBytes: blob.position })
      return blob.isFull ? blob.flush() : undefined
    },
  }
  const commits = new LayerCommits<File>(lane, plan.chunkSize, target, stop)
  const chunker = new Chunker(lane, plan.chunkSize, (batch) => commits.submit(batch), plan.batchSize)
  try {
    await read(commits, chunker)
    chunker.flush()
    await commits.drained()
  } finally {
    chunker.discard()
  }
  // Nothing more is compressed: what follows needs the memory.
  lane.close()
  return chunks
}
