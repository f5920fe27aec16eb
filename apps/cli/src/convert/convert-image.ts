// SPDX-License-Identifier: Apache-2.0
/** OCI image → Nydus image, from any store to any store. `docs`: design §5, behaviour of the original's `convert`. */
import type { Digest } from '@nydus/base/digest'
import { isNydusError, NydusError } from '@nydus/base/error'
import { createChunkPool } from '@nydus/builder'
import { formatPlatform } from '@nydus/registry-client'
import type { ConvertedLayer } from './build-blob.ts'
import { convertLayer, type LayerContext } from './convert-layer.ts'
import { type ConvertOptions, checkConvertOptions } from './convert-options.ts'
import { type ConvertedImage, convertPlatform, type PlatformContext } from './convert-platform.ts'
import { copyNydusImage } from './copy-nydus-image.ts'
import { layerFormText } from './layer-form.ts'
import { createLimit, settleAll } from './limit.ts'
import { openPlaces, type Places } from './open-places.ts'
import { openPreviousTarget } from './previous-target.ts'
import { pushBuildCache } from './push-build-cache.ts'
import { type PushedManifest, pushManifests } from './push-manifests.ts'
import { collectPushes } from './pushes.ts'
import { readSource, type SourceTree } from './read-source.ts'
import { reverseImage } from './reverse-image.ts'
import { provenanceAnnotations, type Sized } from './rewrite-manifest.ts'
import { printableReference } from './store-text.ts'
import { openWorkDirectory } from './work-directory.ts'
import { keepWorkFiles, recordFigures, type WorkFiles } from './work-files-record.ts'

/** What a conversion made. */
export interface ConvertResult {
  readonly source: { readonly reference: string; readonly digest: Digest }
  readonly target: { readonly reference: string; readonly digest: Digest; readonly mediaType: string }
  /** One a platform. */
  readonly images: readonly ConvertedImageReport[]
  /** Bytes of the source's configs and layers. */
  readonly sourceSize: number
  /** Bytes of the target's configs and layers. */
  readonly targetSize: number
  /** Milliseconds: reading manifests, then layers until the last is built and merged, then what was left to push. */
  readonly elapsedMs: { readonly resolve: number; readonly convert: number; readonly push: number }
}

/** One platform of a `ConvertResult`. */
export interface ConvertedImageReport {
  /** E.g. `linux/amd64`. */
  readonly platform: string
  /** Digest of the new manifest. */
  readonly digest: Digest
  readonly blobs: readonly Sized[]
  readonly bootstrapLayer: Sized
  /** True when the source was a Nydus image and was copied. */
  readonly copied: boolean
}

/**
 * Converts an image and pushes it. The target's tag moves last: it is untouched when anything fails.
 * @throws {NydusError} with the codes of `docs/errors.md`; on abort the signal's reason. Temporary files are gone then.
 * @example await convertImage({ source: 'localhost:5000/app:1', target: 'localhost:5000/app:1-nydus', plainHttp: true })
 */
export async function convertImage(options: ConvertOptions): Promise<ConvertResult> {
  const checked = checkConvertOptions(options)
  checked.signal?.throwIfAborted()
  const controller = new AbortController()
  const stop = () => controller.abort(checked.signal?.reason)
  checked.signal?.addEventListener('abort', stop, { once: true })
  const files = recordFigures(checked)
  const places = openPlaces(checked)
  const work = openWorkDirectory(checked.workDir, checked.workFiles === 'keep')
  const pool = createChunkPool({})
  const pushes = collectPushes((reason) => controller.abort(reason))
  try {
    const context = {
      options: checked,
      ...places,
      pool,
      building: createLimit(checked.layerConcurrency),
      pushing: createLimit(checked.layerConcurrency),
      onPush: pushes.add,
      directory: work.path,
      signal: controller.signal,
      onEvent: files.onEvent,
    }
    const result = await run(context, places, files, pushes.done, (reason) => controller.abort(reason))
    await places.target.close()
    return result
  } catch (error) {
    // Where several parts failed, the first to fail aborted the others.
    const first = controller.signal.aborted ? controller.signal.reason : error
    const failure = checked.signal?.aborted ? checked.signal.reason : first
    await files.onFailure(isNydusError(failure) ? failure.code : 'internal')
    throw failure
  } finally {
    checked.signal?.removeEventListener('abort', stop)
    controller.abort()
    await pushes.settled()
    await Promise.allSettled([pool.close(), places.close()])
    work.close()
  }
}

async function run(
  base: Omit<LayerContext, 'caches' | 'dictionary'>,
  places: Places,
  files: WorkFiles,
  pushesDone: () => Promise<void>,
  abort: (reason: unknown) => void,
): Promise<ConvertResult> {
  const { options, signal, onEvent } = base
  const started = performance.now()
  const [source, cache, dictionary] = await Promise.all([
    readSource(places.source, options, signal),
    places.buildCache(signal),
    places.dictionary(signal),
  ])
  const reference = options.sourceReference ?? printableReference(options.source)
  onEvent({ type: 'resolved', reference, digest: source.root.digest })
  if (options.nydusSource === 'refuse' && !options.reverse) refuseNydus(source, reference)

  const resolved = performance.now()
  // A layer that was built with a dictionary refers to blobs that a cache knows nothing of.
  const previous =
    dictionary === undefined ? await openPreviousTarget(places.target, source, options, signal) : undefined
  const known = dictionary === undefined ? [places.shared, previous, cache] : []
  const caches = known.filter((each) => each !== undefined)
  const context: LayerContext = { ...base, caches, dictionary }
  const images = await convertImages(source, reference, context, abort)
  const converted = performance.now()
  // Everything is built: the memory of the threads is free for the pushes that are left.
  await Promise.all([pushesDone(), context.pool.close()])
  const pushed = await pushManifests(source, images, context)
  onEvent({ type: 'pushed', reference: context.target.reference, digest: pushed.digest })
  const cacheStart = performance.now()
  if (cache !== undefined && dictionary === undefined && !options.encrypt)
    await pushBuildCache(cache, cacheUpdate(images, context))
  rememberLayers(images, places)
  await keepWorkFiles(files, images, {
    sourceReference: reference,
    elapsedSeconds: (performance.now() - started) / 1000,
    cacheSeconds: cache === undefined ? undefined : (performance.now() - cacheStart) / 1000,
  })
  return {
    ...resultOf(source, reference, images, pushed, context),
    elapsedMs: {
      resolve: resolved - started,
      convert: converted - resolved,
      push: performance.now() - converted,
    },
  }
}

function convertImages(
  source: SourceTree,
  reference: string,
  context: LayerContext,
  abort: (reason: unknown) => void,
): Promise<readonly ConvertedImage[]> {
  const { options } = context
  const convertOnce = onceADigest((layer) => convertLayer(layer, context))
  const tasks = source.images.map((image) => {
    // Of several images each names its own source manifest; a lone one names what the reference resolved to.
    const sourceDigest = source.index === undefined ? source.root.digest : image.descriptor.digest
    const annotations = provenanceAnnotations({
      sourceDigest,
      sourceReference: reference,
      builderVersion: options.builderVersion,
      fsVersion: options.fsVersion,
      layerForm: options.traceAnnotations ? layerFormText(options) : undefined,
    })
    const platformContext: PlatformContext = { ...context, convertOnce, annotations, abort }
    if (options.reverse) return reverseImage(image, platformContext)
    return image.isNydus ? copyNydusImage(image, platformContext) : convertPlatform(image, platformContext)
  })
  return settleAll(tasks, abort)
}

function cacheUpdate(images: readonly ConvertedImage[], { options, target, signal }: LayerContext) {
  return {
    images: images.map(({ platform, layers }) => ({ platform, layers })),
    version: options.buildCacheVersion,
    maxRecords: options.buildCacheMaxRecords,
    blobs: target,
    signal,
  }
}

function rememberLayers(images: readonly ConvertedImage[], { shared, target, blobs }: Places): void {
  if (shared === undefined || !blobs.isImageStore) return
  for (const { layers } of images)
    for (const { source, converted } of layers) shared.add(source.digest, converted, target.reference)
}

function resultOf(
  source: SourceTree,
  reference: string,
  images: readonly ConvertedImage[],
  pushed: PushedManifest,
  { target }: LayerContext,
): Omit<ConvertResult, 'elapsedMs'> {
  return {
    source: { reference, digest: source.root.digest },
    target: { reference: target.reference, digest: pushed.digest, mediaType: pushed.mediaType },
    images: images.map((image, i) => reportOf(image, source.images[i]?.isNydus === true)),
    sourceSize: images.reduce((sum, image) => sum + image.sourceSize, 0),
    targetSize: images.reduce((sum, image) => sum + image.targetSize, 0),
  }
}

function refuseNydus(source: SourceTree, reference: string): void {
  if (!source.images.some((image) => image.isNydus)) return
  throw new NydusError('ERR_IMAGE_IS_NYDUS', `${reference} is a Nydus image already`, {
    hint: 'give the image it was converted from; `nydus mount` and `nydus check` take this one as it is',
  })
}

function onceADigest(
  convert: (layer: Sized) => Promise<ConvertedLayer>,
): (layer: Sized) => Promise<ConvertedLayer> {
  const started = new Map<Digest, Promise<ConvertedLayer>>()
  return (layer) => {
    const known = started.get(layer.digest)
    if (known !== undefined) return known
    const conversion = convert(layer)
    started.set(layer.digest, conversion)
    return conversion
  }
}

function reportOf(image: ConvertedImage, copied: boolean): ConvertedImageReport {
  const { digest, blobs, bootstrapLayer } = image
  return { platform: formatPlatform(image.platform), digest, blobs, bootstrapLayer, copied }
}
