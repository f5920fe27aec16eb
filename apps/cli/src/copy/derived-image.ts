// SPDX-License-Identifier: Apache-2.0
/** A Nydus image made out of another one: same configuration, other layers. */
import { sha256Digest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import type { BootstrapLayer } from '@nydus/builder'
import type { ImageDocuments } from '@nydus/checker'
import {
  ANNOTATION_NYDUS_BLOB,
  ANNOTATION_NYDUS_BLOB_IDS,
  ANNOTATION_NYDUS_ENCRYPTED_BLOB,
  MEDIA_TYPE_NYDUS_BLOB,
} from '@nydus/rafs-format'
import type { ContentIdentity, Descriptor } from '@nydus/registry-client'
import { encodeGoJson } from '../convert/go-json.ts'
import { createLimit, settleAll } from '../convert/limit.ts'
import { withRetries } from '../convert/retry.ts'
import { encodeManifest } from '../convert/rewrite-manifest.ts'
import { type BlobToCopy, copyBlob } from './copy-blob.ts'
import type { Transfer } from './transfer.ts'

/** What the new image has instead of the old one's layers. */
export interface DerivedParts {
  readonly from: ImageDocuments
  /** Blobs, in the order of the manifest. */
  readonly blobLayers: readonly Descriptor[]
  readonly bootstrapLayer: BootstrapLayer
  /** In addition to those of the old bootstrap layer. */
  readonly bootstrapAnnotations: Readonly<Record<string, string>>
  /** What a new line of the history says for each layer that is not in the old image. */
  readonly historyComment: string
}

/** Config and manifest of a derived image. */
export interface DerivedImage {
  readonly config: Uint8Array
  readonly manifest: Uint8Array
  readonly mediaType: string
  /** Of the manifest. */
  readonly identity: ContentIdentity
}

const PUSHES_AT_A_TIME = 4

/** The layer entry of a Nydus blob. */
export function nydusBlobLayer({ digest, size }: ContentIdentity, isEncrypted = false): Descriptor {
  const encrypted = isEncrypted ? { [ANNOTATION_NYDUS_ENCRYPTED_BLOB]: 'true' } : {}
  const annotations = { [ANNOTATION_NYDUS_BLOB]: 'true', ...encrypted }
  return { mediaType: MEDIA_TYPE_NYDUS_BLOB, digest, size, annotations }
}

/** Encodes config and manifest. @throws {NydusError} ERR_IMAGE_NOT_NYDUS for an image without a bootstrap layer. */
export function deriveImage(parts: DerivedParts): DerivedImage {
  const { from, blobLayers, bootstrapLayer, bootstrapAnnotations } = parts
  const old = from.manifest.layers.at(-1)
  if (old === undefined)
    throw new NydusError('ERR_IMAGE_NOT_NYDUS', `${from.descriptor.digest} has no layers`)
  const config = derivedConfig(parts)
  // The list of 2021 would name the old blobs.
  const { [ANNOTATION_NYDUS_BLOB_IDS]: _, ...annotations } = old.annotations ?? {}
  const manifest = encodeManifest({
    ...from.manifest,
    mediaType: from.mediaType,
    config: { ...from.manifest.config, ...identityOf(config) },
    layers: [
      ...blobLayers,
      {
        mediaType: old.mediaType,
        digest: bootstrapLayer.digest,
        size: bootstrapLayer.size,
        annotations: { ...annotations, ...bootstrapAnnotations },
      },
    ],
  })
  return { config, manifest, mediaType: from.mediaType, identity: identityOf(manifest) }
}

/** Diff ids of Nydus blobs are their digests. History keeps one line a layer, if it had. */
function derivedConfig({ from, blobLayers, bootstrapLayer, historyComment }: DerivedParts): Uint8Array {
  const diffIds = [...blobLayers.map(({ digest }) => digest), bootstrapLayer.diffId]
  const added = diffIds.length - from.manifest.layers.length
  const history: readonly unknown[] = Array.isArray(from.config.history) ? from.config.history : []
  const line = { created_by: 'Nydus Converter', comment: historyComment }
  const lines = Array.from({ length: Math.max(0, added) }, () => line)
  return encodeGoJson(
    {
      ...from.config,
      rootfs: { type: 'layers', diff_ids: diffIds },
      ...(history.length > 0 && { history: [...history.slice(0, -1), ...lines, ...history.slice(-1)] }),
    },
    'compact',
  )
}

/** Pushes blobs, bootstrap layer and config of a derived image, then its manifest under the target's tag. */
export async function pushDerived(
  transfer: Transfer,
  image: DerivedImage,
  bootstrapLayer: BootstrapLayer,
  blobs: readonly BlobToCopy[],
) {
  const { target, signal, retry, onEvent, abort } = transfer
  const { digest, size } = bootstrapLayer
  const all = [
    ...blobs,
    { digest, size, content: bootstrapLayer.bytes },
    { ...identityOf(image.config), content: image.config },
  ]
  const bytes = all.reduce((sum, blob) => sum + blob.size, 0)
  onEvent({ type: 'planned', blobCount: all.length, bytes })
  const limit = createLimit(PUSHES_AT_A_TIME)
  const copies = all.map((blob) => limit(() => copyBlob(blob, transfer)))
  await settleAll(copies, abort)
  const push = () => target.putManifest(image.manifest, image.mediaType, { signal, tag: 'from-reference' })
  await withRetries(`push of manifest ${image.identity.digest}`, push, retry)
  onEvent({ type: 'pushed', reference: target.reference, digest: image.identity.digest })
}

function identityOf(bytes: Uint8Array): ContentIdentity {
  return { digest: sha256Digest(bytes), size: bytes.length }
}
