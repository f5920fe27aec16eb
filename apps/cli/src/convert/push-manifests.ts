// SPDX-License-Identifier: Apache-2.0
/** The last step of a conversion: manifests by digest, then what the tag names. Until then the target is as it was. */
import { sha256Digest } from '@nydus/base/digest'
import { ARTIFACT_TYPE_NYDUS_MANIFEST } from '@nydus/rafs-format'
import type { Descriptor } from '@nydus/registry-client'
import { type LayerContext, retryPolicy } from './convert-layer.ts'
import type { ConvertedImage } from './convert-platform.ts'
import { familyOf, MEDIA_TYPES } from './media-type-family.ts'
import type { SourceTree } from './read-source.ts'
import { withRetries } from './retry.ts'
import { buildIndex, buildMergedIndex, type Sized } from './rewrite-manifest.ts'

/** A manifest or index as it was pushed. */
export interface PushedManifest extends Sized {
  readonly mediaType: string
}

/**
 * Pushes the manifests of all images: the only one, an index of them, or an index with the source's images too. Nothing
 * is written where the tag names the same already.
 */
export async function pushManifests(
  source: SourceTree,
  images: readonly ConvertedImage[],
  context: LayerContext,
): Promise<PushedManifest> {
  const { bytes, mediaType, isIndex } = topDocument(source, images, context)
  const pushed = { digest: sha256Digest(bytes), size: bytes.length, mediaType }
  if (await isTagged(pushed, context)) return pushed
  if (isIndex) {
    for (const { twin } of images)
      if (twin !== undefined) await putManifest(twin.manifest, twin.descriptor.mediaType, context)
    for (const image of images) await putManifest(image.manifest, image.mediaType, context)
  }
  await putManifest(bytes, mediaType, context, 'from-reference')
  return pushed
}

/** What the tag will name. */
interface TopDocument {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly isIndex: boolean
}

function topDocument(
  source: SourceTree,
  images: readonly ConvertedImage[],
  { options }: LayerContext,
): TopDocument {
  const [only] = images
  if (only !== undefined && source.index === undefined && !options.mergePlatform)
    return { bytes: only.manifest, mediaType: only.mediaType, isIndex: false }

  const converted = images.map((image, i) => descriptorOf(image, source.images[i]?.descriptor.platform))
  if (options.mergePlatform) {
    const twins = images.flatMap(({ twin }) => (twin === undefined ? [] : [twin.descriptor]))
    const marked = converted.map((entry) => ({ ...entry, artifactType: ARTIFACT_TYPE_NYDUS_MANIFEST }))
    const bytes = buildMergedIndex([...twins, ...marked])
    return { bytes, mediaType: MEDIA_TYPES.oci.index, isIndex: true }
  }
  const family =
    options.mediaTypes === 'oci' || options.ociRef ? 'oci' : familyOf(source.index?.mediaType ?? '')
  const mediaType = MEDIA_TYPES[family].index
  const document = source.index?.document ?? { schemaVersion: 2, manifests: [] }
  return { bytes: buildIndex(document, mediaType, converted), mediaType, isIndex: true }
}

function descriptorOf(image: ConvertedImage, platform: Descriptor['platform']): Descriptor {
  const { mediaType, digest, manifest } = image
  return { mediaType, digest, size: manifest.length, platform: platform ?? image.platform }
}

async function isTagged({ digest }: PushedManifest, { target, signal }: LayerContext): Promise<boolean> {
  if (target.kind !== 'registry') return false
  const found = await target.resolve(signal).catch(() => undefined)
  return found?.digest === digest
}

async function putManifest(
  bytes: Uint8Array,
  mediaType: string,
  context: LayerContext,
  tag?: string,
): Promise<void> {
  const { target, signal } = context
  const push = () => target.putManifest(bytes, mediaType, { signal, ...(tag === undefined ? {} : { tag }) })
  await withRetries(`push of manifest ${sha256Digest(bytes)}`, push, retryPolicy(context))
}
