// SPDX-License-Identifier: Apache-2.0
/** One image of the source → one Nydus manifest: layers, merged bootstrap, config, manifest bytes. */
import { type Digest, isDigest, sha256Digest } from '@nydus/base/digest'
import { buildBootstrapLayer, mergeLayers } from '@nydus/builder'
import type { Descriptor, Platform } from '@nydus/registry-client'
import { formatPlatform } from '@nydus/registry-client'
import type { LayerName } from './convert-events.ts'
import { type ConvertedLayer, checkDiffId, type LayerContext, retryPolicy } from './convert-layer.ts'
import { rewriteConfig } from './image-config.ts'
import { settleAll } from './limit.ts'
import { familyOf, MEDIA_TYPES } from './media-type-family.ts'
import type { SourceImage } from './read-source.ts'
import { withRetries } from './retry.ts'
import { buildManifest, type Sized } from './rewrite-manifest.ts'

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
  /** Bytes of the new config and layers. */
  readonly targetSize: number
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
  const layers = await convertLayers(image, names, context)

  const merged = mergeLayers(layers, { prefetchPatterns: options.prefetchPatterns })
  onEvent({ type: 'merged', platform, bootstrapSize: merged.bootstrap.length })
  const bootstrapLayer = await buildBootstrapLayer({
    bootstrap: merged.bootstrap,
    blobMetas: blobMetasOf(layers),
  })
  const config = rewriteConfig(image.config, [...layers.map((layer) => layer.digest), bootstrapLayer.diffId])
  const configIdentity = { digest: sha256Digest(config), size: config.length }
  await putContent(context, bootstrapLayer, bootstrapLayer.bytes)
  await putContent(context, configIdentity, config)

  const family = options.mediaTypes === 'oci' ? 'oci' : familyOf(image.mediaType)
  if (options.withReferrer && family === 'docker') {
    onEvent({
      type: 'note',
      message: 'docker manifests have no subject that registries list; --oci writes one that has',
    })
  }
  const blobs = layers.map(({ digest, size }) => ({ digest, size }))
  const manifest = buildManifest({
    family,
    config: configIdentity,
    blobs,
    bootstrap: bootstrapLayer,
    sourceAnnotations: image.manifest.annotations ?? {},
    annotations: context.annotations,
    ...(options.withReferrer ? { subject: subjectOf(image) } : {}),
  })
  return {
    platform: image.platform,
    manifest,
    mediaType: MEDIA_TYPES[family].manifest,
    digest: sha256Digest(manifest),
    configDigest: configIdentity.digest,
    blobs,
    bootstrapLayer: { digest: bootstrapLayer.digest, size: bootstrapLayer.size },
    sourceSize: image.manifest.config.size + sumSizes(names),
    targetSize: configIdentity.size + sumSizes(blobs) + bootstrapLayer.size,
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
