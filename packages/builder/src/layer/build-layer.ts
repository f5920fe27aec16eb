// SPDX-License-Identifier: Apache-2.0
/** One layer: stored bytes → tar → tree and chunks → blob and bootstrap, as a stream. */
import { type Digest, digestFromHex } from '@nydus/base/digest'
import { isNydusError } from '@nydus/base/error'
import { formatBlobMetaFile } from '@nydus/rafs-format'
import { BlobWriter } from '../blob/blob-writer.ts'
import { finishBlob } from '../blob/finish-blob.ts'
import { BuildError } from '../build-error.ts'
import type { ChunkLane } from '../chunk/chunk-pool.ts'
import { Chunker, chunkCountOf } from '../chunk/chunker.ts'
import type { TarEntry } from '../tar/entry.ts'
import { readTar } from '../tar/read-tar.ts'
import { createLayerTree, type LayerTree } from '../tree/layer-tree.ts'
import { type BuildLayerOptions, type BuildPlan, planBuild } from './build-options.ts'
import { LayerChunks } from './layer-chunks.ts'
import { LayerCommits } from './layer-commits.ts'
import { LayerSource } from './layer-source.ts'
import { abortable } from './until-aborted.ts'

/** A built layer. */
export interface LayerBuild {
  /** Hex SHA-256 of the blob as it was written: its name in registries and in merged bootstraps. */
  readonly blobId: string
  readonly digest: Digest
  /** Bytes of the blob. 0 for a layer without data whose bootstrap is not inside its blob. */
  readonly size: number
  /** Hex SHA-256 without the chunk digests: the name that the original builder gives to the file. */
  readonly runningId: string
  /** SHA-256 of the plain tar. */
  readonly diffId: Digest
  /** Bytes of the plain tar. */
  readonly tarSize: number
  /** The layer's bootstrap, uncompressed; the one inside the blob when it is inlined. */
  readonly bootstrap: Uint8Array
  /** Chunks in the blob. */
  readonly chunkCount: number
  /** Bytes of file data that needed no storing. */
  readonly dedupBytes: number
  /** The `<id>.blob.meta` file; absent for a layer without data. */
  readonly blobMeta?: Uint8Array
  /** True when the blob holds chunks. */
  readonly hasData: boolean
}

/**
 * Builds the blob and bootstrap of a layer. Reading, decompressing, hashing, compressing and writing overlap; memory is
 * bounded by the pool's budget and the number of files. The same input gives the same bytes.
 * @param input the layer as stored: plain, gzip or zstd. It is read to its end; what it throws is thrown on.
 * @throws {BuildError} ERR_BUILD_… for a bad tar, options or a failing worker, ERR_NO_SPACE, ERR_INTERRUPTED for an
 *   abort without a coded reason; {DigestError} ERR_DECOMPRESS_…; and whatever input and sink throw. After a rejection
 *   no new write reaches the sink.
 * @example
 * const pool = createChunkPool()
 * const layer = await buildLayer(createReadStream('layer.tar.gz'), { pool, sink: { write: (bytes) => file.appendFile(bytes) } })
 */
export async function buildLayer(
  input: AsyncIterable<Uint8Array>,
  options: BuildLayerOptions,
): Promise<LayerBuild> {
  const plan = planBuild(options)
  const stop = new AbortController()
  const onAbort = () => stop.abort(interrupted(options.signal))
  if (options.signal?.aborted) onAbort()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const lane = options.pool.openLane(plan)
  stop.signal.addEventListener('abort', () => lane.close(stop.signal.reason))
  try {
    return await runBuild(input, options, plan, lane, stop)
  } catch (cause) {
    stop.abort(cause)
    throw stop.signal.reason
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
    lane.close()
  }
}

async function runBuild(
  input: AsyncIterable<Uint8Array>,
  options: BuildLayerOptions,
  plan: BuildPlan,
  lane: ChunkLane,
  stop: AbortController,
): Promise<LayerBuild> {
  const { signal } = stop
  signal.throwIfAborted()
  const tar = new LayerSource(abortable(input, signal), lane, options.maxTarBytes)
  const tree = createLayerTree()
  const blob = new BlobWriter(plan, options.sink, signal)
  const chunks = new LayerChunks(blob, options.dict)
  let done = 0
  const commits = new LayerCommits<TarEntry>(
    lane,
    plan.chunkSize,
    {
      addChunk: (batch, i) => chunks.add(batch, i),
      addFile: (entry, fileChunks) => tree.addEntry(entry, fileChunks),
      flush(chunkCount) {
        done += chunkCount
        options.onProgress?.({ tarBytes: tar.size, chunks: done, blobBytes: blob.position })
        return blob.isFull ? blob.flush() : undefined
      },
    },
    stop,
  )
  const chunker = new Chunker(lane, plan.chunkSize, (batch) => commits.submit(batch))
  try {
    await readEntries(tar, tree, commits, chunker, plan.chunkSize, signal)
    await commits.drained()
  } finally {
    chunker.discard()
  }
  tree.finish()
  const finished = await finishBlob({ plan, options, tree, blob, chunks })
  const { digests, bootstrap } = finished
  const meta = blob.metaSection
  return {
    blobId: digests.file,
    digest: digestFromHex(digests.file),
    size: blob.position,
    runningId: digests.running,
    diffId: digestFromHex(tar.digest),
    tarSize: tar.size,
    bootstrap,
    chunkCount: blob.chunkCount,
    dedupBytes: chunks.dedupBytes,
    hasData: blob.chunkCount > 0,
    ...(meta === undefined ? {} : { blobMeta: formatBlobMetaFile(meta.array, meta.header) }),
  }
}

async function readEntries(
  tar: LayerSource,
  tree: LayerTree,
  commits: LayerCommits<TarEntry>,
  chunker: Chunker,
  chunkSize: number,
  signal: AbortSignal,
): Promise<void> {
  for await (const entry of readTar(tar, { signal })) {
    if (!tree.accepts(entry)) continue
    commits.expect(entry, chunkCountOf(entry.size, chunkSize))
    if (entry.size > 0) await chunker.addFile(entry.size, entry.content)
  }
  chunker.flush()
}

function interrupted(signal: AbortSignal | undefined): unknown {
  const cause: unknown = signal?.reason
  if (isNydusError(cause)) return cause
  return new BuildError('ERR_INTERRUPTED', 'the layer build was aborted', { cause })
}
