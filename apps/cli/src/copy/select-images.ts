// SPDX-License-Identifier: Apache-2.0
/** What of a source is copied: documents in the order in which a target takes them, parts before what lists them. */
import { sha256Digest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import {
  type Descriptor,
  formatPlatform,
  type Index,
  isIndex,
  type Manifest,
  parsePlatform,
  platformMatches,
  selectManifest,
} from '@nydus/registry-client'
import { encodeGoJson } from '../convert/go-json.ts'
import { hostPlatform } from '../convert/read-source.ts'
import type { Transfer } from './transfer.ts'

/** One manifest and its bytes. */
export interface SelectedImage {
  readonly descriptor: Descriptor
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly document: Manifest
}

/** An index above images; nested ones come before those that list them. */
export interface SelectedIndex {
  readonly descriptor: Descriptor
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly document: Index
}

/** The content of a copy. */
export interface Selection {
  /** What the source's reference names. */
  readonly root: Descriptor
  readonly images: readonly SelectedImage[]
  /** The last one is what the target's tag will name; none when that is the only image. */
  readonly indexes: readonly SelectedIndex[]
}

/** An index in an index in an index exists in no registry that anyone uses. */
const MAX_DEPTH = 3

/**
 * Reads the manifests that are to be copied.
 * @throws {NydusError} ERR_IMAGE_PLATFORM when the index has no image for a platform, and what the store throws.
 */
export async function selectImages(
  platforms: readonly string[] | 'all',
  transfer: Transfer,
): Promise<Selection> {
  const root = await transfer.source.resolve(transfer.signal)
  const top = await transfer.source.manifest(root, transfer.signal)
  if (!isIndex(top.document)) {
    const image = { ...top, document: top.document, descriptor: root }
    return { root, images: [image], indexes: [] }
  }
  if (platforms === 'all') return { root, ...(await readWhole(root, transfer, MAX_DEPTH)) }
  const entries = choose(top.document, platforms)
  const images = await Promise.all(entries.map((entry) => readImage(entry, transfer)))
  if (images.length === 1) return { root, images, indexes: [] }
  const { document } = top
  if (entries.length === document.manifests.length) {
    return { root, images, indexes: [{ ...top, document, descriptor: root }] }
  }
  return { root, images, indexes: [encodeIndex({ ...document, manifests: entries }, root, top.mediaType)] }
}

async function readWhole(
  descriptor: Descriptor,
  transfer: Transfer,
  depth: number,
): Promise<Pick<Selection, 'images' | 'indexes'>> {
  const stored = await transfer.source.manifest(descriptor, transfer.signal)
  const { document } = stored
  if (!isIndex(document)) return { images: [{ ...stored, document, descriptor }], indexes: [] }
  if (depth === 0) {
    const message = `${descriptor.digest}: more than ${MAX_DEPTH} indexes inside each other`
    throw new NydusError('ERR_IMAGE_NOT_AN_IMAGE', message)
  }
  const parts = await Promise.all(document.manifests.map((entry) => readWhole(entry, transfer, depth - 1)))
  return {
    images: uniqueByDigest(parts.flatMap(({ images }) => images)),
    indexes: [...parts.flatMap(({ indexes }) => indexes), { ...stored, document, descriptor }],
  }
}

function uniqueByDigest(images: readonly SelectedImage[]): readonly SelectedImage[] {
  return [...new Map(images.map((image) => [image.descriptor.digest, image])).values()]
}

/** All images of a platform: beside an OCI image an index may have the Nydus image made from it. */
function choose(index: Index, platforms: readonly string[]): readonly Descriptor[] {
  const wanted = platforms.length > 0 ? platforms.map(parsePlatform) : [hostPlatform()]
  const chosen = new Set<Descriptor>()
  for (const platform of wanted) {
    const best = selectManifest(index, platform) // throws when there is none
    chosen.add(best)
    for (const entry of index.manifests) {
      const same = entry.platform !== undefined && best.platform !== undefined
      if (same && samePlatform(entry, best) && platformMatches(platform, entry.platform)) chosen.add(entry)
    }
  }
  return index.manifests.filter((entry) => chosen.has(entry))
}

function samePlatform(one: Descriptor, other: Descriptor): boolean {
  return (
    one.platform !== undefined &&
    other.platform !== undefined &&
    formatPlatform(one.platform) === formatPlatform(other.platform)
  )
}

async function readImage(descriptor: Descriptor, transfer: Transfer): Promise<SelectedImage> {
  const stored = await transfer.source.manifest(descriptor, transfer.signal)
  const { document } = stored
  if (!isIndex(document)) return { ...stored, document, descriptor }
  throw new NydusError('ERR_IMAGE_NOT_AN_IMAGE', `${descriptor.digest} is an index inside an index`, {
    hint: 'use --all-platforms to copy it as it is',
  })
}

/** An index whose list of manifests has changed. */
export function encodeIndex(document: Index, descriptor: Descriptor, mediaType: string): SelectedIndex {
  const bytes = encodeGoJson(document, 'indented')
  const identity = { digest: sha256Digest(bytes), size: bytes.length }
  return { document, bytes, mediaType, descriptor: { ...descriptor, ...identity } }
}
