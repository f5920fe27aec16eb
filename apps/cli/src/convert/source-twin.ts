// SPDX-License-Identifier: Apache-2.0
/**
 * `--merge-platform`: the source image again, for the index that has both. An empty layer is put below its own, so that no
 * chain of its layers is that of the original image, whose snapshots a Nydus snapshotter would otherwise mistake for its own.
 */
import { type Digest, sha256Digest } from '@nydus/base/digest'
import { ANNOTATION_EMPTY_LAYER, ANNOTATION_SOURCE_DIGEST } from '@nydus/rafs-format'
import type { Descriptor, ImageStore } from '@nydus/registry-client'
import { retryPolicy } from './convert-layer.ts'
import type { PlatformContext } from './convert-platform.ts'
import { padConfig } from './image-config.ts'
import { settleAll } from './limit.ts'
import { familyOf, MEDIA_TYPES } from './media-type-family.ts'
import type { SourceImage } from './read-source.ts'
import { withRetries } from './retry.ts'
import { encodeManifest } from './rewrite-manifest.ts'
import { transferBlob } from './transfer-blob.ts'

/** An empty tar, as the original compresses it: so registries keep it once. */
const EMPTY_LAYER = Buffer.from('1f8b08000000000000ff621805a360148c5800080000ffff2eafb5ef00040000', 'hex')
const EMPTY_LAYER_DIFF_ID: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'

/** A source image whose layers and config are in the target; its manifest is not. */
export interface SourceTwin {
  readonly manifest: Uint8Array
  readonly descriptor: Descriptor
  /** Bytes of config and layers. */
  readonly size: number
}

/** Brings a source image to the target, up to but not including its manifest. */
export async function copySourceTwin(image: SourceImage, context: PlatformContext): Promise<SourceTwin> {
  const { target, signal } = context
  const family = familyOf(image.mediaType)
  const emptyLayer = {
    mediaType: MEDIA_TYPES[family].layerGzip,
    digest: sha256Digest(EMPTY_LAYER),
    size: EMPTY_LAYER.length,
    annotations: { [ANNOTATION_EMPTY_LAYER]: 'true' },
  }
  const configBytes = padConfig(image.config, EMPTY_LAYER_DIFF_ID)
  const config = { ...image.manifest.config, digest: sha256Digest(configBytes), size: configBytes.length }
  await copyLayers(image, context)
  await put(target, emptyLayer, EMPTY_LAYER, context)
  await put(target, config, configBytes, context)
  signal.throwIfAborted()

  const layers = [emptyLayer, ...image.manifest.layers]
  const annotations = { [ANNOTATION_SOURCE_DIGEST]: image.descriptor.digest }
  const manifest = encodeManifest({
    ...image.manifest,
    mediaType: image.mediaType,
    config,
    layers,
    annotations: { ...image.manifest.annotations, ...annotations },
  })
  const { platform } = image
  const descriptor: Descriptor = {
    mediaType: image.mediaType,
    digest: sha256Digest(manifest),
    size: manifest.length,
    annotations: { ...image.descriptor.annotations, ...annotations },
    platform,
  }
  return { manifest, descriptor, size: layers.reduce((sum, { size }) => sum + size, config.size) }
}

/** Brings the layers of a source image to the target as they are. */
export async function copyLayers(image: SourceImage, context: PlatformContext): Promise<void> {
  const { source, target, signal } = context
  const layers = new Map(image.manifest.layers.map((layer) => [layer.digest, layer]))
  const copies = [...layers.values()].map((layer) =>
    context.pushing(() => {
      const copy = () => transferBlob(layer, source, target, signal)
      return withRetries(`copy of layer ${layer.digest}`, copy, retryPolicy(context))
    }),
  )
  await settleAll(copies, context.abort)
}

function put(
  target: ImageStore,
  { digest, size }: Descriptor,
  bytes: Uint8Array,
  context: PlatformContext,
): Promise<void> {
  const push = () => target.putBlob({ digest, size }, bytes, { signal: context.signal })
  return withRetries(`push of ${digest}`, push, retryPolicy(context))
}
