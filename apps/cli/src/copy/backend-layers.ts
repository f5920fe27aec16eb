// SPDX-License-Identifier: Apache-2.0
/** Images whose blobs are in another place than their manifest → images that list their blobs as layers. */
import { digestFromHex, sha256Digest } from '@nydus/base/digest'
import { isNydusManifest, readBootstrapLayer, readConfig } from '@nydus/checker'
import type { BlobSource } from '@nydus/chunk-cache'
import {
  ANNOTATION_NYDUS_BLOB,
  ANNOTATION_NYDUS_BLOB_IDS,
  type BlobInfo,
  MEDIA_TYPE_NYDUS_BLOB,
  openBootstrap,
} from '@nydus/rafs-format'
import type { Descriptor } from '@nydus/registry-client'
import { encodeGoJson } from '../convert/go-json.ts'
import { type BlobAccess, backendAccess } from '../nydus-image/blob-access.ts'
import type { BlobToCopy } from './copy-blob.ts'
import type { BackendPlace } from './copy-options.ts'
import { encodeIndex, type SelectedImage, type SelectedIndex, type Selection } from './select-images.ts'
import type { Transfer } from './transfer.ts'

/** A selection that lists its blobs, and blobs that the source store does not have. */
export interface FilledSelection extends Selection {
  readonly extraBlobs: readonly BlobToCopy[]
  /** Closes the backend, when nothing is read any more. */
  close(): Promise<void>
}

/** Bytes of one read from a backend. */
const READ_BYTES = 4 << 20

/**
 * Lists the blobs of Nydus images as layers in front of those that are there; their diff ids come first as well.
 * @throws {NydusError} ERR_CONFIG_INVALID, ERR_IMAGE_NOT_NYDUS, and what backend and store throw.
 */
export async function fillFromBackend(
  selection: Selection,
  place: BackendPlace,
  transfer: Transfer,
): Promise<FilledSelection> {
  const access = await backendAccess(place.type, place.config)
  try {
    const filled = await Promise.all(
      selection.images.map((image) =>
        isNydusManifest(image.document) ? fillImage(image, access, transfer) : { image, extraBlobs: [] },
      ),
    )
    const images = filled.map(({ image }) => image)
    const replaced = new Map(selection.images.map(({ descriptor }, i) => [descriptor.digest, images[i]]))
    return {
      root: selection.root,
      images,
      indexes: selection.indexes.map((index) => relist(index, replaced)),
      extraBlobs: filled.flatMap(({ extraBlobs }) => extraBlobs),
      close: () => access.close(),
    }
  } catch (error) {
    await access.close()
    throw error
  }
}

function relist(
  index: SelectedIndex,
  replaced: ReadonlyMap<string, SelectedImage | undefined>,
): SelectedIndex {
  const manifests = index.document.manifests.map((entry) => {
    const image = replaced.get(entry.digest)
    return image === undefined ? entry : { ...entry, ...identityOf(image.bytes) }
  })
  return encodeIndex({ ...index.document, manifests }, index.descriptor, index.mediaType)
}

async function fillImage(
  image: SelectedImage,
  access: BlobAccess,
  { source, signal }: Transfer,
): Promise<{ readonly image: SelectedImage; readonly extraBlobs: readonly BlobToCopy[] }> {
  const { document } = image
  const bootstrapLayer = document.layers.at(-1) ?? document.config
  const { bootstrap } = await readBootstrapLayer(source, bootstrapLayer, signal)
  const listed = new Set(document.layers.map(({ digest }) => digest))
  const missing = uniqueBlobs(openBootstrap(bootstrap).blobs).filter(
    ({ blobId }) => !listed.has(digestFromHex(blobId)),
  )
  const blobs = await Promise.all(
    missing.map((blob) => blobToCopy(blob, access.openBlob(blob.blobId), signal)),
  )
  const config = await filledConfig(image, blobs, source, signal)
  const layers = [...blobs.map(blobLayer), ...document.layers.map(withoutBlobIds)]
  const configDescriptor = { ...document.config, ...identityOf(config) }
  const filled = { ...document, config: configDescriptor, layers }
  const bytes = encodeGoJson(filled, 'indented')
  return {
    image: { ...image, document: filled, bytes, descriptor: { ...image.descriptor, ...identityOf(bytes) } },
    extraBlobs: [...blobs, { ...identityOf(config), content: config }],
  }
}

function uniqueBlobs(blobs: readonly BlobInfo[]): readonly BlobInfo[] {
  return [...new Map(blobs.map((blob) => [blob.blobId, blob])).values()]
}

async function blobToCopy(blob: BlobInfo, from: BlobSource, signal: AbortSignal): Promise<BlobToCopy> {
  const size = (await from.size?.(signal)) ?? blob.compressedSize
  return { digest: digestFromHex(blob.blobId), size, content: () => readAll(from, size, signal) }
}

async function* readAll(from: BlobSource, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < size; offset += READ_BYTES) {
    yield await from.read({ offset, length: Math.min(READ_BYTES, size - offset) }, { signal })
  }
}

async function filledConfig(
  { document }: SelectedImage,
  blobs: readonly BlobToCopy[],
  source: Transfer['source'],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const config = await readConfig(source, document.config, signal)
  const diffIds = [...blobs.map(({ digest }) => digest), ...(config.rootfs?.diff_ids ?? [])]
  return encodeGoJson(
    { ...config, rootfs: { type: 'layers', ...config.rootfs, diff_ids: diffIds } },
    'compact',
  )
}

function blobLayer({ digest, size }: BlobToCopy): Descriptor {
  return { mediaType: MEDIA_TYPE_NYDUS_BLOB, digest, size, annotations: { [ANNOTATION_NYDUS_BLOB]: 'true' } }
}

/** The list of 2021 would name blobs in another place. */
function withoutBlobIds(layer: Descriptor): Descriptor {
  if (layer.annotations?.[ANNOTATION_NYDUS_BLOB_IDS] === undefined) return layer
  const { [ANNOTATION_NYDUS_BLOB_IDS]: _, ...annotations } = layer.annotations
  return { ...layer, annotations }
}

function identityOf(bytes: Uint8Array) {
  return { digest: sha256Digest(bytes), size: bytes.length }
}
