// SPDX-License-Identifier: Apache-2.0
/** One source layer → one Nydus blob: streamed through the builder into a temporary file, then pushed. */
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '@nydus/base/digest'
import { digestHex } from '@nydus/base/digest'
import { DigestError, isNydusError, NydusError } from '@nydus/base/error'
import { type BlobSink, buildLayer, type ChunkPool } from '@nydus/builder'
import { countBytes } from '@nydus/checker'
import type { ImageStore } from '@nydus/registry-client'
import type { ConvertListener, LayerName } from './convert-events.ts'
import type { CheckedConvertOptions } from './convert-options.ts'
import type { Limit } from './limit.ts'
import { withRetries } from './retry.ts'
import { localFailure } from './work-directory.ts'

/** What a converted layer leaves for the merge. */
export interface ConvertedLayer {
  readonly blobId: string
  readonly digest: Digest
  /** Bytes of the blob as pushed. */
  readonly size: number
  /** Digest of the source layer's plain tar. */
  readonly diffId: Digest
  /** The layer's own bootstrap. */
  readonly bootstrap: Uint8Array
  /** The blob's meta file, when it has one. */
  readonly blobMeta: Uint8Array | undefined
}

/** What all layers of a conversion share. */
export interface LayerContext {
  readonly options: CheckedConvertOptions
  readonly source: ImageStore
  readonly target: ImageStore
  readonly pool: ChunkPool
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
 * Builds one layer and hands its push to `onPush`: the merge need not wait for it. The temporary file is gone when the
 * push has settled, whatever happens.
 */
export async function convertLayer(layer: LayerName, context: LayerContext): Promise<ConvertedLayer> {
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
export function checkDiffId(layer: LayerName, found: Digest, expected: Digest | undefined): void {
  if (expected === undefined || found === expected) return
  throw new DigestError(
    'ERR_DIGEST_MISMATCH',
    `layer ${layer.digest}: its tar has digest ${found}, the config says ${expected}`,
    { details: { layer: layer.digest, expected, found }, hint: 'the source image is damaged; push it again' },
  )
}

async function buildBlob(layer: LayerName, path: string, context: LayerContext): Promise<ConvertedLayer> {
  const { options, signal, onEvent } = context
  signal.throwIfAborted()
  onEvent({ type: 'layer-started', layer })
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw localFailure(error, path)
  })
  try {
    let readBytes = 0
    const input = countBytes(context.source.openBlob(layer, { signal }), (bytes) => {
      readBytes += bytes
    })
    const build = await buildLayer(input, {
      compressor: options.compressor,
      chunkSize: options.chunkSize,
      prefetchPatterns: options.prefetchPatterns,
      pool: context.pool,
      sink: fileSink(file, path),
      signal,
      onProgress: (progress) =>
        onEvent({ type: 'layer-progress', layer, readBytes, ...progressOf(progress) }),
    })
    onEvent({
      type: 'layer-built',
      layer,
      blobDigest: build.digest,
      blobSize: build.size,
      chunkCount: build.chunkCount,
      dedupBytes: build.dedupBytes,
    })
    const { blobId, digest, size, diffId, bootstrap, blobMeta } = build
    return { blobId, digest, size, diffId, bootstrap, blobMeta }
  } catch (error) {
    throw nameLayer(error, layer, signal)
  } finally {
    await file.close()
  }
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
    context.target.putBlob(
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

function progressOf(progress: { tarBytes: number; chunks: number; blobBytes: number }) {
  return { tarBytes: progress.tarBytes, chunkCount: progress.chunks, blobBytes: progress.blobBytes }
}

function fileSink(file: FileHandle, path: string): BlobSink {
  return {
    givesBack: true,
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
      } catch (error) {
        throw localFailure(error, path)
      }
    },
  }
}

/** Adds the layer's digest to an error of its content, where the message does not have it. */
function nameLayer(error: unknown, layer: LayerName, signal: AbortSignal): unknown {
  if (signal.aborted || !isNydusError(error) || error.message.includes(layer.digest)) return error
  return new NydusError(error.code, `layer ${layer.digest}: ${error.message}`, {
    cause: error,
    details: { ...error.details, layer: layer.digest },
    retryable: error.retryable,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}
