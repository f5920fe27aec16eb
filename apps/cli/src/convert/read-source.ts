// SPDX-License-Identifier: Apache-2.0
/** The source of a conversion: reference → index or manifest → the images of the wanted platforms, with their configs. */
import { type Digest, isDigest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import { isNydusManifest, readConfig } from '@nydus/checker'
import { ARTIFACT_TYPE_NYDUS_MANIFEST, OS_FEATURE_NYDUS } from '@nydus/rafs-format'
import {
  type Descriptor,
  formatPlatform,
  type ImageStore,
  type Index,
  isIndex,
  type Manifest,
  type Platform,
  parsePlatform,
  platformMatches,
  selectManifest,
} from '@nydus/registry-client'
import type { ConfigDocument } from './image-config.ts'
import { isLayerMediaType } from './media-type-family.ts'

/** One image of the source: a manifest and its config. */
export interface SourceImage {
  /** As the index or the config names it. */
  readonly platform: Platform
  /** The manifest's descriptor; with `platform` when it comes from an index. */
  readonly descriptor: Descriptor
  readonly mediaType: string
  readonly manifest: Manifest
  readonly config: ConfigDocument
  /** True for an image that was converted before. */
  readonly isNydus: boolean
}

/** What the source reference resolves to. */
export interface SourceTree {
  /** The manifest or index that the reference names. */
  readonly root: Descriptor
  /** The index, when more than one platform is taken from it. */
  readonly index: { readonly document: Index; readonly mediaType: string } | undefined
  /** At least one. */
  readonly images: readonly SourceImage[]
}

/**
 * Resolves the reference of `store` and reads the manifests and configs of `platforms`.
 * @param choice platforms are names like `linux/amd64`; none means this machine's architecture; 'all' means every one.
 *   Of an index with original and Nydus images the original ones are taken, with `reverse` the others.
 * @throws {NydusError} ERR_IMAGE_PLATFORM, ERR_IMAGE_NOT_AN_IMAGE, and what the store throws.
 */
export async function readSource(
  store: ImageStore,
  { platforms, reverse }: { readonly platforms: readonly string[] | 'all'; readonly reverse: boolean },
  signal?: AbortSignal,
): Promise<SourceTree> {
  const wanted = platforms === 'all' ? 'all' : platforms.map(parsePlatform)
  const root = await store.resolve(signal)
  const { document, mediaType } = await store.manifest(root, signal)
  if (!isIndex(document)) {
    const image = await readImage(store, root, signal)
    if (wanted !== 'all') for (const platform of wanted) checkPlatform(image, platform)
    return { root, index: undefined, images: [image] }
  }
  const entries = selectEntries(document, wanted, reverse)
  const images = await Promise.all(entries.map((entry) => readImage(store, entry, signal)))
  return { root, index: entries.length > 1 ? { document, mediaType } : undefined, images }
}

function selectEntries(
  index: Index,
  wanted: readonly Platform[] | 'all',
  reverse: boolean,
): readonly Descriptor[] {
  const isPreferred = (entry: Descriptor) => isImage(entry) && isPlainImage(entry) !== reverse
  const accept = index.manifests.some(isPreferred) ? isPreferred : isImage
  if (wanted !== 'all') {
    const platforms = wanted.length > 0 ? wanted : [hostPlatform()]
    const chosen = platforms.map((platform) => selectManifest(index, platform, accept))
    return [...new Set(chosen)]
  }
  const entries = index.manifests.filter(accept)
  if (entries.length > 0) return entries
  throw new NydusError('ERR_IMAGE_NOT_AN_IMAGE', 'the index lists no image')
}

/** Attestations and signatures describe images, they are none. */
function isImage(entry: Descriptor): boolean {
  return entry.platform?.os !== 'unknown' && entry.annotations?.['vnd.docker.reference.type'] === undefined
}

function isPlainImage(entry: Descriptor): boolean {
  const features = entry.platform?.['os.features'] ?? []
  return (
    isImage(entry) &&
    entry.artifactType !== ARTIFACT_TYPE_NYDUS_MANIFEST &&
    !features.includes(OS_FEATURE_NYDUS)
  )
}

async function readImage(
  store: ImageStore,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<SourceImage> {
  const { document, mediaType } = await store.manifest(descriptor, signal)
  if (isIndex(document)) {
    throw new NydusError('ERR_IMAGE_NOT_AN_IMAGE', `${descriptor.digest} is an index inside an index`)
  }
  checkIsImage(document, descriptor.digest)
  const config: ConfigDocument = await readConfig(store, document.config, signal)
  const platform = descriptor.platform ?? platformOf(config)
  const isNydus = isNydusManifest(document)
  if (!isNydus) checkDiffIds(config, document, descriptor.digest)
  return { platform, descriptor, mediaType, manifest: document, config, isNydus }
}

function checkIsImage(manifest: Manifest, digest: Digest): void {
  if (manifest.layers.length === 0) throw notAnImage(digest, 'has no layers')
  if (isNydusManifest(manifest)) return
  for (const layer of manifest.layers) {
    if (!isLayerMediaType(layer.mediaType))
      throw notAnImage(digest, `has a layer of media type ${layer.mediaType}`)
  }
}

function checkDiffIds(config: ConfigDocument, manifest: Manifest, digest: Digest): void {
  const diffIds = config.rootfs?.diff_ids
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest))
    throw notAnImage(digest, 'has a config without diff ids')
  if (diffIds.length !== manifest.layers.length) {
    throw notAnImage(digest, `has ${manifest.layers.length} layers and ${diffIds.length} diff ids`)
  }
}

function notAnImage(digest: Digest, reason: string): NydusError {
  return new NydusError('ERR_IMAGE_NOT_AN_IMAGE', `${digest} ${reason}`, {
    hint: 'only container images can be converted, not charts or other artifacts',
  })
}

function platformOf(config: ConfigDocument): Platform {
  const { os, architecture, variant } = config
  return {
    os: typeof os === 'string' ? os : 'linux',
    architecture: typeof architecture === 'string' ? architecture : hostPlatform().architecture,
    ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
  }
}

function checkPlatform(image: SourceImage, wanted: Platform): void {
  if (platformMatches(wanted, image.platform)) return
  const found = formatPlatform(image.platform)
  throw new NydusError('ERR_IMAGE_PLATFORM', `the image is for ${found}, not for ${formatPlatform(wanted)}`)
}

/** `linux` on this machine's architecture, by its OCI name. */
export function hostPlatform(): Platform {
  return parsePlatform(`linux/${process.arch}`)
}
