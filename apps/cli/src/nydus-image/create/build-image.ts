// SPDX-License-Identifier: Apache-2.0
/** Calls the function of the builder that makes what a plan asks for. */
import { type ChunkPool, type ChunkPoolOptions, createChunkPool, openChunkDict } from '@nydus/builder'
import type { ImageContext } from '../context.ts'
import { readBootstrap, readBootstrapBytes } from '../read-bootstrap.ts'
import type { Trace } from '../trace.ts'
import { openBlobOutput } from './blob-output.ts'
import type { BuildJob, CreatedImage, WantedImage } from './build-job.ts'
import { buildFromDirectory, buildFromTar } from './build-rafs.ts'
import { buildFromToc, buildReference, buildTarfsImage } from './build-reference.ts'
import type { ConversionType, CreatePlan } from './create-plan.ts'

const BUILDERS: Readonly<Record<ConversionType, (job: BuildJob) => Promise<CreatedImage>>> = {
  'dir-rafs': buildFromDirectory,
  'tar-rafs': buildFromTar,
  'targz-rafs': buildFromTar,
  'estargz-rafs': buildFromTar,
  'targz-ref': buildReference,
  'estargz-ref': buildReference,
  'estargztoc-ref': buildFromToc,
  'tar-tarfs': buildTarfsImage,
}

/** Measured: from here on two threads are faster than one, their start included. */
const SMALL_SOURCE_BYTES = 4 << 20

/** Builds the image and puts its blob in place; nothing is left of the blob when that fails. */
export async function buildImage(
  { plan, prefetchPatterns, bootstrapSink }: WantedImage,
  context: ImageContext,
  trace: Trace,
): Promise<CreatedImage> {
  const { parentPath, dictPath } = plan
  const dict =
    dictPath === undefined
      ? undefined
      : await trace.time('import_chunk_dict', async () =>
          openChunkDict(await readBootstrap(dictPath, context)),
        )
  const parent = parentPath === undefined ? undefined : await readBootstrapBytes(parentPath)
  const output = await openBlobOutput(plan.blobPlace, context.signal)
  let pool: ChunkPool | undefined
  const ended = new AbortController()
  const job: BuildJob = {
    ...{ plan, prefetchPatterns, bootstrapSink, dict, parent, output, signal: context.signal },
    sourceSignal: AbortSignal.any([context.signal, ended.signal]),
    get pool() {
      pool ??= createChunkPool(poolOptionsOf(plan))
      return pool
    },
  }
  try {
    const created = await BUILDERS[plan.type](job)
    await output.commit(created.blobName)
    for (const [name, value] of Object.entries(created.events)) trace.event(name, value)
    return created
  } finally {
    ended.abort()
    await Promise.all([output.discard(), pool?.close()])
  }
}

/** A second thread takes longer to start than a small source to build. */
function poolOptionsOf({ sourceBytes }: CreatePlan): ChunkPoolOptions {
  return sourceBytes !== undefined && sourceBytes < SMALL_SOURCE_BYTES ? { workers: 1 } : {}
}
