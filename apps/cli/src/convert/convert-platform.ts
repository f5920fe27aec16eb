// SPDX-License-Identifier: Apache-2.0
/** One image of the source → one Nydus manifest: layers, merged bootstrap, config, manifest bytes. */
import { type Digest, isDigest, sha256Digest } from '@nydus/base/digest'
import {
  type BootstrapLayer,
  buildBootstrapLayer,
  type MergeResult,
  type MergeSource,
  mergeLayers,
} from '@nydus/builder'
import type { Descriptor, Platform } from '@nydus/registry-client'
import { formatPlatform } from '@nydus/registry-client'
import type { ConvertedLayer } from './build-blob.ts'
import type { LayerName } from './convert-events.ts'
import { checkDiffId, type LayerContext, retryPolicy } from './convert-layer.ts'
import { rewriteConfig } from './image-config.ts'
import { settleAll } from './limit.ts'
import { familyOf, MEDIA_TYPES, type MediaTypeFamily } from './media-type-family.ts'
import type { SourceImage } from './read-source.ts'
import { withRetries } from './retry.ts'
import { buildManifest, type ListedBlob, type Sized } from './rewrite-manifest.ts'
import { copyLayers, copySourceTwin, type SourceTwin } from './source-twin.ts'
import type { WrittenBootstrap } from './work-files.ts'

/** A converted image whose blobs, bootstrap layer and config are in the target already; its manifest is not. */
export interface ConvertedImage {
  readonly platform: Platform
  readonly manifest: Uint8Array
  readonly mediaType: string
  readonly digest: Digest
  readonly configDigest: Digest
  /** Nydus blobs in the order of the source's layers. */
  readonly blobs: readonly Sized[]
  readonly bootstrapLayer: Sized
  /** Bytes of the source's config and layers. */
  readonly sourceSize: number
  /** Bytes of the new config and layers, and of the source's where the target has them too. */
  readonly targetSize: number
  /** The source's layers with what they became; empty for an image that was copied. */
  readonly layers: readonly { readonly source: LayerName; readonly converted: ConvertedLayer }[]
  /** The whole image's bootstrap, with how long merging took; undefined for an image that was copied. */
  readonly merged: WrittenBootstrap | undefined
  /** The source image, when the target's index has it beside the new one. */
  readonly twin: SourceTwin | undefined
}

/** What the images of one conversion share. */
export interface PlatformContext extends LayerContext {
  /** Converts a layer, or joins the conversion of the same layer that another image began. */
  readonly convertOnce: (layer: LayerName) => Promise<ConvertedLayer>
  readonly annotations: Readonly<Record<string, string>>
  /** Stops all other work of the conversion. */
  readonly abort: (reason: unknown) => void
}

/** Converts one image up to, but not including, its manifest. */
export async function convertPlatform(image: SourceImage, context: PlatformContext): Promise<ConvertedImage> {
  const { onEvent, options } = context
  const platform = formatPlatform(image.platform)
  const names = image.manifest.layers.map(({ digest, size }) => ({ digest, size }))
  onEvent({ type: 'platform', platform, layers: names })
  const twinCopy = options.mergePlatform ? copySourceTwin(image, context) : undefined
  twinCopy?.catch(context.abort)
  const layers = await convertLayers(image, names, context)

  const mergeStart = performance.now()
  const merged = mergeLayers(layers.map(mergeSource), {
    prefetchPatterns: options.prefetchPatterns,
    ...(context.dictionary === undefined ? {} : { chunkDict: context.dictionary.bootstrap }),
  })
  const mergeSeconds = (performance.now() - mergeStart) / 1000
  onEvent({ type: 'merged', platform, bootstrapSize: merged.bootstrap.length })
  const bootstrapLayer = await buildBootstrapLayer({
    bootstrap: merged.bootstrap,
    blobMetas: blobMetasOf(layers),
  })
  const blobs = await listBlobs(layers, merged, context)
  const diffIds = [...blobs.map((blob) => blob.digest), bootstrapLayer.diffId]
  const config = rewriteConfig(image.config, diffIds)
  const configIdentity = { digest: sha256Digest(config), size: config.length }
  await putContent(context, bootstrapLayer, bootstrapLayer.bytes)
  await putContent(context, configIdentity, config)
  if (options.ociRef) await copyLayers(image, context)
  const twin = await twinCopy

  const family = familyFor(image, context)
  const manifest = encodeParts(
    image,
    { family, config: configIdentity, blobs, bootstrapLayer, merged },
    context,
  )
  const blobSizes = sumSizes(layers)
  return {
    platform: image.platform,
    manifest,
    mediaType: MEDIA_TYPES[family].manifest,
    digest: sha256Digest(manifest),
    configDigest: configIdentity.digest,
    blobs: layers.map(({ digest, size }) => ({ digest, size })),
    bootstrapLayer: { digest: bootstrapLayer.digest, size: bootstrapLayer.size },
    sourceSize: image.manifest.config.size + sumSizes(names),
    targetSize:
      configIdentity.size +
      (blobs.length > 0 ? sumSizes(blobs) : blobSizes) +
      bootstrapLayer.size +
      (twin?.size ?? 0),
    layers: names.map((source, i) => ({ source, converted: layers[i] as ConvertedLayer })),
    merged: { bootstrap: merged.bootstrap, blobIds: merged.blobIds, seconds: mergeSeconds },
    twin,
  }
}

async function convertLayers(
  image: SourceImage,
  names: readonly LayerName[],
  context: PlatformContext,
): Promise<readonly ConvertedLayer[]> {
  const diffIds = image.config.rootfs?.diff_ids ?? []
  const tasks = names.map(async (name, i) => {
    const converted = await context.convertOnce(name)
    const expected = diffIds[i]
    checkDiffId(name, converted.diffId, isDigest(expected) ? expected : undefined)
    return converted
  })
  return settleAll(tasks, context.abort)
}

function mergeSource({ bootstrap, blobId, reference }: ConvertedLayer): MergeSource {
  return reference === undefined
    ? { bootstrap, blobId }
    : { bootstrap, blobId, overrides: reference.overrides }
}

/** The blobs that the manifest lists: the layers', then those that only the chunk dictionary has. None without a store. */
async function listBlobs(
  layers: readonly ConvertedLayer[],
  merged: MergeResult,
  { dictionary, target, blobs, signal }: PlatformContext,
): Promise<readonly ListedBlob[]> {
  const own = new Set(
    layers.flatMap(({ blobId, reference }) => [blobId, reference?.overrides.originalBlobId]),
  )
  const foreign = merged.blobIds.filter((blobId) => !own.has(blobId))
  const borrowed = (await dictionary?.provide(foreign, target, blobs, signal)) ?? []
  if (!blobs.isImageStore) return []
  const listed = layers.map(({ digest, size, reference }) => ({ digest, size, refersTo: reference?.layer }))
  return [...listed, ...borrowed]
}

function familyFor(image: SourceImage, { options, onEvent }: PlatformContext): MediaTypeFamily {
  const family = options.mediaTypes === 'oci' || options.ociRef ? 'oci' : familyOf(image.mediaType)
  if (options.withReferrer && family === 'docker') {
    const message = 'docker manifests have no subject that registries list; --oci writes one that has'
    onEvent({ type: 'note', message })
  }
  return family
}

/** What the manifest is made from. */
interface Parts {
  readonly family: MediaTypeFamily
  readonly config: Sized
  readonly blobs: readonly ListedBlob[]
  readonly bootstrapLayer: BootstrapLayer
  readonly merged: MergeResult
}

function encodeParts(
  image: SourceImage,
  parts: Parts,
  { options, annotations }: PlatformContext,
): Uint8Array {
  const { family, config, blobs, bootstrapLayer, merged } = parts
  return buildManifest({
    family,
    fsVersion: merged.fsVersion,
    config,
    isMerged: options.mergePlatform,
    blobs,
    isEncrypted: options.encrypt,
    bootstrap: bootstrapLayer,
    blobIds: options.traceAnnotations ? merged.blobIds : undefined,
    sourceAnnotations: image.manifest.annotations ?? {},
    annotations,
    ...(options.withReferrer ? { subject: subjectOf(image) } : {}),
  })
}

/** The meta files that go into the bootstrap layer: one a blob, in layer order. */
function blobMetasOf(layers: readonly ConvertedLayer[]): { blobId: string; bytes: Uint8Array }[] {
  const metas = new Map<string, Uint8Array>()
  for (const { blobId, blobMeta } of layers) if (blobMeta !== undefined) metas.set(blobId, blobMeta)
  return [...metas].map(([blobId, bytes]) => ({ blobId, bytes }))
}

async function putContent(context: PlatformContext, identity: Sized, bytes: Uint8Array): Promise<void> {
  const { digest, size } = identity
  const push = () => context.target.putBlob({ digest, size }, bytes, { signal: context.signal })
  await withRetries(`push of ${digest}`, push, retryPolicy(context))
}

/** The source manifest's descriptor without its platform, as referrers are written. */
function subjectOf(image: SourceImage): Descriptor {
  const { digest, size } = image.descriptor
  return { mediaType: image.mediaType, digest, size }
}

function sumSizes(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((sum, part) => sum + part.size, 0)
}
