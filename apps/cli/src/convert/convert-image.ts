// SPDX-License-Identifier: Apache-2.0
/** OCI image → Nydus image, from any store to any store. `docs`: design §5, behaviour of the original's `convert`. */
import { type Digest, sha256Digest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import { createChunkPool } from '@nydus/builder'
import { type Descriptor, dockerCredentials, formatPlatform, openImageStore } from '@nydus/registry-client'
import { type ConvertedLayer, convertLayer, type LayerContext, retryPolicy } from './convert-layer.ts'
import { type CheckedConvertOptions, type ConvertOptions, checkConvertOptions } from './convert-options.ts'
import { type ConvertedImage, convertPlatform, type PlatformContext } from './convert-platform.ts'
import { copyNydusImage } from './copy-nydus-image.ts'
import { createLimit, settleAll } from './limit.ts'
import { familyOf, MEDIA_TYPES } from './media-type-family.ts'
import { readSource, type SourceTree } from './read-source.ts'
import { withRetries } from './retry.ts'
import { buildIndex, provenanceAnnotations, type Sized } from './rewrite-manifest.ts'
import { printableReference } from './store-text.ts'
import { openWorkDirectory } from './work-directory.ts'

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
 * Converts an image to RAFS v6 and pushes it. The target's tag moves last: it is untouched when anything fails.
 * @throws {NydusError} with the codes of `docs/errors.md`; on abort the signal's reason. Temporary files are gone then.
 * @example await convertImage({ source: 'localhost:5000/app:1', target: 'localhost:5000/app:1-nydus', plainHttp: true })
 */
export async function convertImage(options: ConvertOptions): Promise<ConvertResult> {
  const checked = checkConvertOptions(options)
  checked.signal?.throwIfAborted()
  const controller = new AbortController()
  const stop = () => controller.abort(checked.signal?.reason)
  checked.signal?.addEventListener('abort', stop, { once: true })
  const source = openImageStore(checked.source, storeOptions(checked, checked.sourceInsecure))
  const target = openImageStore(checked.target, storeOptions(checked, checked.targetInsecure))
  const work = openWorkDirectory(checked.workDir)
  const pool = createChunkPool({})
  const pushes = collectPushes((reason) => controller.abort(reason))
  try {
    const context: LayerContext = {
      options: checked,
      source,
      target,
      pool,
      building: createLimit(checked.layerConcurrency),
      pushing: createLimit(checked.layerConcurrency),
      onPush: pushes.add,
      directory: work.path,
      signal: controller.signal,
      onEvent: checked.onEvent,
    }
    const result = await run(context, pushes.done, (reason) => controller.abort(reason))
    await target.close()
    return result
  } catch (error) {
    if (checked.signal?.aborted) throw checked.signal.reason
    // Where several parts failed, the first to fail aborted the others.
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    checked.signal?.removeEventListener('abort', stop)
    controller.abort()
    await pushes.settled()
    await Promise.allSettled([pool.close(), source.close(), target.close()])
    work.close()
  }
}

async function run(
  context: LayerContext,
  pushesDone: () => Promise<void>,
  abort: (reason: unknown) => void,
): Promise<ConvertResult> {
  const { options, signal, onEvent } = context
  const started = performance.now()
  const source = await readSource(context.source, options.platforms, signal)
  const reference = options.sourceReference ?? printableReference(options.source)
  onEvent({ type: 'resolved', reference, digest: source.root.digest })
  if (options.nydusSource === 'refuse') refuseNydus(source, reference)

  const resolved = performance.now()
  const convertOnce = onceADigest((layer) => convertLayer(layer, context))
  const tasks = source.images.map((image) => {
    // Of several images each names its own source manifest; a lone one names what the reference resolved to.
    const sourceDigest = source.index === undefined ? source.root.digest : image.descriptor.digest
    const provenance = { sourceDigest, sourceReference: reference, builderVersion: options.builderVersion }
    const annotations = provenanceAnnotations(provenance)
    const platformContext: PlatformContext = { ...context, convertOnce, annotations, abort }
    return image.isNydus ? copyNydusImage(image, platformContext) : convertPlatform(image, platformContext)
  })
  const images = await settleAll(tasks, abort)
  const converted = performance.now()
  // Everything is built: the memory of the threads is free for the pushes that are left.
  await Promise.all([pushesDone(), context.pool.close()])
  const pushed = await pushManifests(source, images, context)
  onEvent({ type: 'pushed', reference: context.target.reference, digest: pushed.digest })
  return {
    source: { reference, digest: source.root.digest },
    target: { reference: context.target.reference, digest: pushed.digest, mediaType: pushed.mediaType },
    images: images.map((image, i) => reportOf(image, source.images[i]?.isNydus === true)),
    sourceSize: images.reduce((sum, image) => sum + image.sourceSize, 0),
    targetSize: images.reduce((sum, image) => sum + image.targetSize, 0),
    elapsedMs: {
      resolve: resolved - started,
      convert: converted - resolved,
      push: performance.now() - converted,
    },
  }
}

/** Pushes what the tag names last: the only manifest, or the manifests by digest and then the index. */
async function pushManifests(
  source: SourceTree,
  images: readonly ConvertedImage[],
  context: LayerContext,
): Promise<Sized & { readonly mediaType: string }> {
  const { options, signal, target } = context
  const put = (bytes: Uint8Array, mediaType: string, tag?: string) => {
    const push = () => target.putManifest(bytes, mediaType, { signal, ...(tag === undefined ? {} : { tag }) })
    return withRetries(`push of manifest ${sha256Digest(bytes)}`, push, retryPolicy(context))
  }
  const [only] = images
  if (source.index === undefined && only !== undefined) {
    await put(only.manifest, only.mediaType, 'from-reference')
    return { digest: only.digest, size: only.manifest.length, mediaType: only.mediaType }
  }
  const descriptors: Descriptor[] = []
  for (const [i, image] of images.entries()) {
    await put(image.manifest, image.mediaType)
    const platform = source.images[i]?.descriptor.platform ?? image.platform
    descriptors.push({
      mediaType: image.mediaType,
      digest: image.digest,
      size: image.manifest.length,
      platform,
    })
  }
  const family = options.mediaTypes === 'oci' ? 'oci' : familyOf(source.index?.mediaType ?? '')
  const mediaType = MEDIA_TYPES[family].index
  const index = buildIndex(
    source.index?.document ?? { schemaVersion: 2, manifests: [] },
    mediaType,
    descriptors,
  )
  await put(index, mediaType, 'from-reference')
  return { digest: sha256Digest(index), size: index.length, mediaType }
}

function refuseNydus(source: SourceTree, reference: string): void {
  if (!source.images.some((image) => image.isNydus)) return
  throw new NydusError('ERR_IMAGE_IS_NYDUS', `${reference} is a Nydus image already`, {
    hint: 'give the image it was converted from; `nydus mount` and `nydus check` take this one as it is',
  })
}

/** Pushes of layers that go on while others are built. */
interface Pushes {
  readonly add: (push: Promise<void>) => void
  /** Waits for all that were added. @throws what the first that failed threw. */
  readonly done: () => Promise<void>
  /** The same; failures are ignored. */
  readonly settled: () => Promise<void>
}

/** @param abort is called as soon as a push fails, to stop everything else. */
function collectPushes(abort: (reason: unknown) => void): Pushes {
  const pushes: Promise<void>[] = []
  const settled = async () => void (await Promise.allSettled(pushes))
  return {
    add(push) {
      pushes.push(push)
      push.catch(abort)
    },
    async done() {
      await settled()
      await Promise.all(pushes)
    },
    settled,
  }
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

function storeOptions(options: CheckedConvertOptions, insecure: boolean) {
  return {
    insecure,
    plainHttp: options.plainHttp,
    credentials: options.credentials ?? dockerCredentials({}),
    userAgent: options.builderVersion,
  }
}

function reportOf(image: ConvertedImage, copied: boolean): ConvertedImageReport {
  const { digest, blobs, bootstrapLayer } = image
  return { platform: formatPlatform(image.platform), digest, blobs, bootstrapLayer, copied }
}
