// SPDX-License-Identifier: Apache-2.0
/** One source layer → one Nydus blob in its place: taken from a cache, or built into a temporary file and pushed. */
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestHex } from '@nydus/base/digest'
import { DigestError } from '@nydus/base/error'
import type { ChunkPool } from '@nydus/builder'
import type { ImageStore } from '@nydus/registry-client'
import type { BlobPlace } from './blob-place.ts'
import { buildBlob, type ConvertedLayer } from './build-blob.ts'
import type { ChunkDictionary } from './chunk-dictionary.ts'
import type { ConvertListener, LayerName } from './convert-events.ts'
import type { CheckedConvertOptions } from './convert-options.ts'
import type { LayerCache } from './layer-cache.ts'
import type { Limit } from './limit.ts'
import { withRetries } from './retry.ts'

/** What all layers of a conversion share. */
export interface LayerContext {
  readonly options: CheckedConvertOptions
  readonly source: ImageStore
  /** Where manifests, configs and bootstraps go. */
  readonly target: ImageStore
  /** Where blobs go. */
  readonly blobs: BlobPlace
  readonly pool: ChunkPool
  /** Chunks that need not be stored. */
  readonly dictionary: ChunkDictionary | undefined
  /** Layers that were converted before; asked in order. */
  readonly caches: readonly LayerCache[]
  readonly building: Limit
  readonly pushing: Limit
  /** Takes the push of a built layer, which goes on: no manifest may be written before it is done. */
  readonly onPush: (push: Promise<void>) => void
  /** Directory for the temporary file. */
  readonly directory: string
  readonly signal: AbortSignal
  readonly onEvent: ConvertListener
}

/** Small enough that the buffers that wait to be collected stay few. */
const READ_BYTES = 256 << 10

/**
 * Converts one layer and hands its push to `onPush`: the merge need not wait for it. The temporary file is gone when the
 * push has settled, whatever happens.
 */
export async function convertLayer(layer: LayerName, context: LayerContext): Promise<ConvertedLayer> {
  const cached = await fromCaches(layer, context)
  if (cached !== undefined) return cached
  const path = join(context.directory, `${digestHex(layer.digest)}.blob`)
  const remove = () => rm(path, { force: true })
  try {
    const converted = await context.building(() => buildBlob(layer, path, context))
    context.onPush(context.pushing(() => pushBlob(layer, converted, path, context)).finally(remove))
    return converted
  } catch (error) {
    await remove()
    throw error
  }
}

/** @throws {DigestError} ERR_DIGEST_MISMATCH when the layer's tar is not what the image's config says. */
export function checkDiffId(layer: LayerName, found: Digest | undefined, expected: Digest | undefined): void {
  if (found === undefined || expected === undefined || found === expected) return
  throw new DigestError(
    'ERR_DIGEST_MISMATCH',
    `layer ${layer.digest}: its tar has digest ${found}, the config says ${expected}`,
    { details: { layer: layer.digest, expected, found }, hint: 'the source image is damaged; push it again' },
  )
}

async function fromCaches(layer: LayerName, context: LayerContext): Promise<ConvertedLayer | undefined> {
  const { signal, onEvent, blobs } = context
  for (const cache of context.caches) {
    const found = await cache.find(layer, signal)
    if (found === undefined) continue
    const { converted, store } = found
    const identity = { digest: converted.digest, size: converted.size }
    const take = () => blobs.take(identity, store, signal)
    await context.pushing(() => withRetries(`push of blob ${identity.digest}`, take, retryPolicy(context)))
    onEvent({ type: 'layer-cached', layer, blobDigest: identity.digest, blobSize: identity.size })
    return converted
  }
  return undefined
}

async function pushBlob(
  layer: LayerName,
  blob: ConvertedLayer,
  path: string,
  context: LayerContext,
): Promise<void> {
  const { options, signal, onEvent } = context
  signal.throwIfAborted()
  const push = () =>
    context.blobs.put(
      { digest: blob.digest, size: blob.size },
      () => createReadStream(path, { highWaterMark: READ_BYTES }),
      {
        signal,
        onProgress: (pushedBytes) =>
          onEvent({ type: 'layer-pushing', layer, pushedBytes, blobSize: blob.size }),
        ...chunkedMode(options.pushChunkBytes),
      },
    )
  await withRetries(`push of blob ${blob.digest}`, push, retryPolicy(context))
  onEvent({ type: 'layer-pushed', layer, blobDigest: blob.digest })
}

/** Members of `putBlob`'s options that choose the way of uploading. */
export function chunkedMode(chunkBytes: number): { mode?: 'chunked'; chunkSize?: number } {
  return chunkBytes > 0 ? { mode: 'chunked', chunkSize: chunkBytes } : {}
}

/** The retry policy that the options ask for. */
export function retryPolicy(context: Pick<LayerContext, 'options' | 'signal' | 'onEvent'>) {
  return {
    count: context.options.pushRetryCount,
    delayMs: context.options.pushRetryDelayMs,
    signal: context.signal,
    onRetry: (message: string) => context.onEvent({ type: 'note', message }),
  }
}
