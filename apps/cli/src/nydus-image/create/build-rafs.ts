// SPDX-License-Identifier: Apache-2.0
/** The types whose chunks are stored in a new blob: from a tar, or from a directory. */
import { readFile } from 'node:fs/promises'
import {
  type BlobBuild,
  type BuildLayerOptions,
  buildDirectory,
  buildTar,
  openBlobCacheWriter,
} from '@nydus/builder'
import { fileFailure, refused } from '../file-failure.ts'
import { type BuildJob, type CreatedImage, readOnce, tableIds } from './build-job.ts'
import { openLocalXattrs } from './local-xattrs.ts'

/** tar-rafs, targz-rafs, estargz-rafs: the compression is found out. */
export async function buildFromTar(job: BuildJob): Promise<CreatedImage> {
  return await withCache(job, (options) => buildTar(readOnce(job.plan.source, job.sourceSignal), options))
}

/** dir-rafs: there is an external bootstrap as well, of what lies in blobs outside of the image. */
export async function buildFromDirectory(job: BuildJob): Promise<CreatedImage> {
  const { source, attributesPath } = job.plan
  const attributes = attributesPath === undefined ? undefined : await readText(attributesPath)
  const readXattrs = await openLocalXattrs()
  let external: Pick<CreatedImage, 'externalBootstrap' | 'externalBlobIds'> = {}
  const created = await withCache(job, async (options) => {
    const build = await buildDirectory(source, {
      ...options,
      readXattrs,
      ...(attributes === undefined ? {} : { attributes }),
    })
    external = {
      externalBootstrap: build.external,
      externalBlobIds: build.externalBlobs.map(({ blobId }) => blobId),
    }
    return build
  })
  return { ...created, ...external }
}

async function withCache(
  job: BuildJob,
  build: (options: BuildLayerOptions) => Promise<BlobBuild>,
): Promise<CreatedImage> {
  const { blobPlace } = job.plan
  const options = optionsOf(job)
  if (blobPlace.kind !== 'cache') return createdOf(await build(options), job)
  const cache = await openBlobCacheWriter(blobPlace.path)
  try {
    const built = await build({ ...options, blobCache: cache })
    const created = createdOf(built, job)
    await cache.finish(created.blobName, built.blobMeta)
    return created
  } catch (error) {
    await cache.abort()
    throw error
  }
}

function optionsOf({
  plan,
  prefetchPatterns,
  bootstrapSink,
  dict,
  parent,
  output,
  pool,
  signal,
}: BuildJob): BuildLayerOptions {
  const { compressor, blobId } = plan
  if (compressor === 'gzip') throw refused(`${plan.type} has no chunks of its own`)
  return {
    pool,
    sink: output,
    signal,
    fsVersion: plan.fsVersion,
    compressor,
    digester: plan.digester,
    chunkSize: plan.chunkSize,
    batchSize: plan.batchSize,
    encrypt: plan.encrypt,
    alignedChunk: plan.alignedChunk,
    repeatable: plan.repeatable,
    whiteoutSpec: plan.whiteoutSpec,
    blobInlineMeta: plan.inlineMeta,
    blobToc: plan.toc,
    prefetchPolicy: plan.prefetchPolicy,
    prefetchPatterns,
    ...(bootstrapSink === undefined ? {} : { bootstrapSink }),
    ...(blobId === undefined ? {} : { blobId }),
    ...(dict === undefined ? {} : { dict }),
    ...(parent === undefined ? {} : { parent }),
  }
}

function createdOf(build: BlobBuild, { plan }: BuildJob): CreatedImage {
  const blobName = plan.blobId ?? build.runningId
  return {
    bootstrap: build.bootstrap,
    blobIds: tableIds(build.blobs, blobName),
    blobName,
    blobSize: build.size,
    events: {
      blob_uncompressed_size: build.uncompressedSize,
      dedup_chunks: build.dedupChunks,
      dedup_uncompressed_size: build.dedupBytes,
    },
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw fileFailure(error, 'read attributes', path)
  }
}
