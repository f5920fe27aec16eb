// SPDX-License-Identifier: Apache-2.0
/** A source that is a Nydus image already → the same image in the target, its annotations telling where it was taken from. */
import { digestHex, sha256Digest } from '@nydus/base/digest'
import type { Descriptor } from '@nydus/registry-client'
import { retryPolicy } from './convert-layer.ts'
import type { ConvertedImage, PlatformContext } from './convert-platform.ts'
import { settleAll } from './limit.ts'
import type { SourceImage } from './read-source.ts'
import { withRetries } from './retry.ts'
import { encodeManifest } from './rewrite-manifest.ts'

/** Copies config and layers; the manifest differs in its annotations only. */
export async function copyNydusImage(image: SourceImage, context: PlatformContext): Promise<ConvertedImage> {
  const { manifest } = image
  const parts = new Map([manifest.config, ...manifest.layers].map((part) => [part.digest, part]))
  const copies = [...parts.values()].map((part) => context.pushing(() => copyBlob(part, context)))
  await settleAll(copies, context.abort)
  const bytes = encodeManifest({
    ...manifest,
    mediaType: image.mediaType,
    annotations: { ...manifest.annotations, ...context.annotations },
  })
  const layers = manifest.layers.map(({ digest, size }) => ({ digest, size }))
  const size = [manifest.config, ...layers].reduce((sum, part) => sum + part.size, 0)
  return {
    platform: image.platform,
    manifest: bytes,
    mediaType: image.mediaType,
    digest: sha256Digest(bytes),
    configDigest: manifest.config.digest,
    blobs: layers.slice(0, -1),
    bootstrapLayer: layers[layers.length - 1] ?? manifest.config,
    sourceSize: size,
    targetSize: size,
    layers: [],
    merged: undefined,
    twin: undefined,
  }
}

async function copyBlob(part: Descriptor, context: PlatformContext): Promise<void> {
  const { source, target, signal } = context
  signal.throwIfAborted()
  const push = () => target.putBlob(part, () => source.openBlob(part, { signal }), { signal })
  await withRetries(`copy of ${digestHex(part.digest)}`, push, retryPolicy(context))
}
