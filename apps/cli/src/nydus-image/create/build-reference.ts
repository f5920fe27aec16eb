// SPDX-License-Identifier: Apache-2.0
/** The types whose chunks stay in the source: the blob holds only what is needed to find them there, or there is none. */
import { readFile } from 'node:fs/promises'
import { buildStargzToc, buildTarfs, buildZranLayer } from '@nydus/builder'
import { fileFailure } from '../file-failure.ts'
import { type BuildJob, type CreatedImage, readSource, tableIds } from './build-job.ts'

/** targz-ref, estargz-ref. */
export async function buildReference(job: BuildJob): Promise<CreatedImage> {
  const { plan, prefetchPatterns, dict, output, pool, signal, sourceSignal } = job
  const build = await buildZranLayer(readSource(plan.source, sourceSignal), {
    ...commonOptions(job),
    pool,
    sink: output,
    prefetchPatterns,
    prefetchPolicy: plan.prefetchPolicy,
    signal,
    ...(dict === undefined ? {} : { dict }),
  })
  return {
    bootstrap: build.bootstrap,
    blobIds: tableIds(build.blobs, build.blobId),
    blobName: build.runningId,
    blobSize: build.compressedSize,
    events: {
      blob_uncompressed_size: build.uncompressedSize,
      dedup_chunks: build.dedupChunks,
      dedup_uncompressed_size: build.dedupBytes,
    },
  }
}

/** estargztoc-ref, stargz_index: the table of contents describes a layer that need not be here. */
export async function buildFromToc(job: BuildJob): Promise<CreatedImage> {
  const { plan, prefetchPatterns, output, signal } = job
  const toc = await readFile(plan.source).catch((error: unknown) => {
    throw fileFailure(error, 'read', plan.source)
  })
  const build = await buildStargzToc(toc, {
    ...commonOptions(job),
    blobId: plan.blobId ?? '',
    blobDataSize: plan.blobDataSize,
    sink: output,
    prefetchPatterns,
    signal,
  })
  return {
    bootstrap: build.bootstrap,
    blobIds: tableIds(build.blobs, build.blobId),
    blobName: build.runningId,
    blobSize: build.compressedSize,
    events: {},
  }
}

/** tar-tarfs: the tar itself is the blob, and is not copied. */
export async function buildTarfsImage({
  plan,
  prefetchPatterns,
  signal,
  sourceSignal,
}: BuildJob): Promise<CreatedImage> {
  const { chunkSize, blobId, repeatable, prefetchPolicy } = plan
  const build = await buildTarfs(readSource(plan.source, sourceSignal), {
    chunkSize,
    repeatable,
    prefetchPatterns: prefetchPolicy === 'fs' ? prefetchPatterns : [],
    signal,
    ...(blobId === undefined ? {} : { blobId }),
  })
  return {
    bootstrap: build.bootstrap,
    blobIds: tableIds(build.blobs, build.blobId),
    blobName: build.blobId,
    blobSize: build.tarSize,
    events: {},
  }
}

function commonOptions({ plan }: BuildJob): {
  chunkSize: number
  repeatable: boolean
  blobInlineMeta: boolean
  blobToc: boolean
} {
  const { chunkSize, repeatable, inlineMeta, toc } = plan
  return { chunkSize, repeatable, blobInlineMeta: inlineMeta, blobToc: toc }
}
