// SPDX-License-Identifier: Apache-2.0
/** `--reverse`: a Nydus image → an OCI image with a layer for each blob, up to, but not including, its manifest. */
import { isDigest, sha256Digest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import { ANNOTATION_NYDUS_REF } from '@nydus/rafs-format'
import { type Descriptor, formatPlatform } from '@nydus/registry-client'
import { retryPolicy } from './convert-layer.ts'
import type { ConvertedImage, PlatformContext } from './convert-platform.ts'
import { plainConfig } from './image-config.ts'
import { settleAll } from './limit.ts'
import { familyOf, MEDIA_TYPES } from './media-type-family.ts'
import type { SourceImage } from './read-source.ts'
import { withRetries } from './retry.ts'
import { copyReferredLayer, type PlainLayer, unpackBlob } from './reverse-layer.ts'
import { encodeManifest } from './rewrite-manifest.ts'

/** Annotations that only a Nydus image has. */
const NYDUS_ANNOTATION = /^(containerd\.io\/snapshot\/nydus-|nydus\.trace\.)/

/** Brings a Nydus image back. @throws {NydusError} ERR_IMAGE_NOT_NYDUS for another image, or one built with a dictionary. */
export async function reverseImage(image: SourceImage, context: PlatformContext): Promise<ConvertedImage> {
  const { manifest } = image
  if (!image.isNydus) {
    throw new NydusError('ERR_IMAGE_NOT_NYDUS', `${image.descriptor.digest} is no Nydus image`, {
      hint: 'only Nydus images can be converted back; leave out --reverse',
    })
  }
  const blobs = manifest.layers.slice(0, -1)
  const names = blobs.map(({ digest, size }) => ({ digest, size }))
  context.onEvent({ type: 'platform', platform: formatPlatform(image.platform), layers: names })
  const layers = await settleAll(
    blobs.map((blob) => context.building(() => plainLayer(blob, context))),
    context.abort,
  )
  const config = plainConfig(
    image.config,
    layers.map(({ diffId }) => diffId),
  )
  const configIdentity = { digest: sha256Digest(config), size: config.length }
  const push = () => context.target.putBlob(configIdentity, config, { signal: context.signal })
  await withRetries(`push of ${configIdentity.digest}`, push, retryPolicy(context))
  const types = MEDIA_TYPES[context.options.mediaTypes === 'oci' ? 'oci' : familyOf(image.mediaType)]
  const kept = Object.entries(manifest.annotations ?? {}).filter(([name]) => !NYDUS_ANNOTATION.test(name))
  const bytes = encodeManifest({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, ...configIdentity },
    layers: layers.map(({ digest, size }) => ({ mediaType: types.layerGzip, digest, size })),
    ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
  })
  const last = manifest.layers.at(-1) ?? manifest.config
  return {
    platform: image.platform,
    manifest: bytes,
    mediaType: types.manifest,
    digest: sha256Digest(bytes),
    configDigest: configIdentity.digest,
    blobs: layers.map(({ digest, size }) => ({ digest, size })),
    bootstrapLayer: { digest: last.digest, size: last.size },
    sourceSize: sumSizes([manifest.config, ...manifest.layers]),
    targetSize: sumSizes([configIdentity, ...layers]),
    layers: [],
    merged: undefined,
    twin: undefined,
  }
}

async function plainLayer(blob: Descriptor, context: PlatformContext): Promise<PlainLayer> {
  const { digest, size } = blob
  const layer = { digest, size }
  context.onEvent({ type: 'layer-started', layer })
  const referred = blob.annotations?.[ANNOTATION_NYDUS_REF]
  const plain = isDigest(referred)
    ? await copyReferredLayer(referred, context)
    : await unpackBlob(blob, context)
  context.onEvent({ type: 'layer-pushed', layer, blobDigest: plain.digest })
  return plain
}

function sumSizes(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((sum, part) => sum + part.size, 0)
}
