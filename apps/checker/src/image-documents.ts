// SPDX-License-Identifier: Apache-2.0
/** The documents of one image: which manifest a reference means, what kind it is, its config. */
import { sha256Digest } from '@nydus/base/digest'
import { DigestError, describeError, NydusError } from '@nydus/base/error'

import {
  ANNOTATION_NYDUS_BOOTSTRAP,
  ARTIFACT_TYPE_NYDUS_MANIFEST,
  MEDIA_TYPE_NYDUS_BLOB,
  OS_FEATURE_NYDUS,
} from '@nydus/rafs-format'
import {
  type ContentIdentity,
  type Descriptor,
  type ImageStore,
  type Index,
  isIndex,
  type Manifest,
  type Platform,
  platformMatches,
  selectManifest,
} from '@nydus/registry-client'
import { isContentError } from './content-error.ts'

/** An image config as parsed from JSON: nothing about it is certain. */
export type ConfigDocument = Readonly<Record<string, unknown>> & {
  readonly rootfs?: { readonly type?: string; readonly diff_ids?: readonly string[] }
}

/** One image of a store. */
export interface ImageDocuments {
  readonly store: ImageStore
  readonly descriptor: Descriptor
  readonly mediaType: string
  readonly manifest: Manifest
  readonly config: ConfigDocument
  readonly kind: 'oci' | 'nydus'
}

/** Which image of an index is meant. */
export interface ImageChoice {
  readonly platform: Platform
  /** What to take where an index has both. */
  readonly prefer: 'oci' | 'nydus'
  readonly signal?: AbortSignal
  /** Told of a config that is damaged or missing, which then counts as empty; without it that is an error. */
  readonly onConfigFault?: (message: string) => void
}

const MAX_CONFIG_BYTES = 8 << 20

/** Tells whether a manifest is a Nydus image's: its last layer holds a bootstrap. */
export function isNydusManifest(manifest: Manifest): boolean {
  return manifest.layers.at(-1)?.annotations?.[ANNOTATION_NYDUS_BOOTSTRAP] === 'true'
}

/** True also for a Nydus image that lost its bootstrap layer. */
function hasNydusLayer(manifest: Manifest): boolean {
  return (
    isNydusManifest(manifest) || manifest.layers.some((layer) => layer.mediaType === MEDIA_TYPE_NYDUS_BLOB)
  )
}

/**
 * Reads the documents of the image that the reference of `store` names.
 * @throws {NydusError} ERR_IMAGE_PLATFORM, ERR_IMAGE_NOT_AN_IMAGE, and what the store throws.
 */
export async function readImageDocuments(store: ImageStore, choice: ImageChoice): Promise<ImageDocuments> {
  const { signal } = choice
  const root = await store.resolve(signal)
  const top = await store.manifest(root, signal)
  const descriptor = isIndex(top.document) ? choose(top.document, choice) : root
  const { document, mediaType } = descriptor === root ? top : await store.manifest(descriptor, signal)
  if (isIndex(document)) {
    throw new NydusError('ERR_IMAGE_NOT_AN_IMAGE', `${descriptor.digest} is an index inside an index`)
  }
  const config = await readConfig(store, document.config, signal).catch((error: unknown) => {
    if (choice.onConfigFault === undefined || !isContentError(error)) throw error
    choice.onConfigFault(describeError(error))
    return {}
  })
  return {
    store,
    descriptor,
    mediaType,
    manifest: document,
    config,
    kind: hasNydusLayer(document) ? 'nydus' : 'oci',
  }
}

function choose(index: Index, { platform, prefer }: ImageChoice): Descriptor {
  const fits = (entry: Descriptor) =>
    entry.platform === undefined || platformMatches(platform, entry.platform)
  const preferred = (entry: Descriptor) => isMarkedNydus(entry) === (prefer === 'nydus')
  const hasPreferred = index.manifests.some((entry) => fits(entry) && preferred(entry))
  return selectManifest(index, platform, hasPreferred ? preferred : undefined)
}

function isMarkedNydus(entry: Descriptor): boolean {
  const features = entry.platform?.['os.features'] ?? []
  return entry.artifactType === ARTIFACT_TYPE_NYDUS_MANIFEST || features.includes(OS_FEATURE_NYDUS)
}

/**
 * Reads an image config; its digest is checked.
 * @throws {NydusError} ERR_IMAGE_NOT_AN_IMAGE when it is no JSON object, and what the store throws.
 */
export async function readConfig(
  store: ImageStore,
  descriptor: ContentIdentity,
  signal?: AbortSignal,
): Promise<ConfigDocument> {
  const { digest, size } = descriptor
  if (size > MAX_CONFIG_BYTES) {
    throw new NydusError(
      'ERR_IMAGE_NOT_AN_IMAGE',
      `config ${digest} has ${size} bytes, more than any image's`,
    )
  }
  const pieces: Uint8Array[] = []
  for await (const piece of store.openBlob(descriptor, { ...(signal === undefined ? {} : { signal }) }))
    pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  const found = sha256Digest(bytes)
  if (found !== digest) {
    throw new DigestError('ERR_DIGEST_MISMATCH', `config: digest is ${found}, expected ${digest}`)
  }
  return parseConfig(bytes, digest)
}

function parseConfig(bytes: Uint8Array, digest: string): ConfigDocument {
  const fail = (cause?: unknown) =>
    new NydusError('ERR_IMAGE_NOT_AN_IMAGE', `config ${digest} is not a JSON object`, { cause })
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw fail(error)
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw fail()
  return document as ConfigDocument
}
