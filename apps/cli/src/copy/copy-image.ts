// SPDX-License-Identifier: Apache-2.0
/** An image, or a whole index, from one place to another: only what the target lacks travels. */
import { type Digest, isDigest } from '@nydus/base/digest'
import { ANNOTATION_NYDUS_REF } from '@nydus/rafs-format'
import { type Descriptor, formatPlatform } from '@nydus/registry-client'
import { createLimit, settleAll } from '../convert/limit.ts'
import { withRetries } from '../convert/retry.ts'
import { type FilledSelection, fillFromBackend } from './backend-layers.ts'
import { type BlobToCopy, copyBlob } from './copy-blob.ts'
import type { BlobRoute, CopyOptions, CopyResult } from './copy-options.ts'
import { type SelectedImage, selectImages } from './select-images.ts'
import { type Transfer, withTransfer } from './transfer.ts'

const DEFAULT_CONCURRENCY = 4

/**
 * Copies an image. Blobs that the target has are left alone, others are mounted from the source's repository where it is in
 * the same registry, else streamed. The target's tag moves last: it is untouched when anything fails.
 * @throws {NydusError} with the codes of `docs/errors.md`; on abort the signal's reason.
 * @example await copyImage({ source: 'registry.example.com/app:1', target: 'oci-archive:app.tar', platforms: 'all' })
 */
export function copyImage(options: CopyOptions): Promise<CopyResult> {
  return withTransfer(options, (transfer) => copy(options, transfer))
}

async function copy(options: CopyOptions, transfer: Transfer): Promise<CopyResult> {
  const started = performance.now()
  const { source, target, onEvent } = transfer
  const selection = await fill(options, transfer)
  try {
    onEvent({ type: 'resolved', reference: source.reference, digest: selection.root.digest })
    const blobs = await blobsOf(selection, transfer)
    onEvent({ type: 'planned', blobCount: blobs.length, bytes: sizeOf(blobs) })
    const limit = createLimit(options.concurrency ?? DEFAULT_CONCURRENCY)
    const routes = await settleAll(
      blobs.map((blob) => limit(() => copyBlob(blob, transfer))),
      transfer.abort,
    )
    const top = await putManifests(selection, transfer)
    onEvent({ type: 'pushed', reference: target.reference, digest: top.descriptor.digest })
    return {
      source: { reference: source.reference, digest: selection.root.digest },
      target: { reference: target.reference, digest: top.descriptor.digest, mediaType: top.mediaType },
      images: selection.images.map(describeImage),
      blobs: countRoutes(blobs, routes),
      elapsedMs: performance.now() - started,
    }
  } finally {
    await selection.close()
  }
}

async function fill(options: CopyOptions, transfer: Transfer): Promise<FilledSelection> {
  const selection = await selectImages(options.platforms ?? [], transfer)
  if (options.sourceBackend !== undefined) {
    return await fillFromBackend(selection, options.sourceBackend, transfer)
  }
  return { ...selection, extraBlobs: [], close: async () => undefined }
}

/** Configs and layers, each once, and the layers that zran blobs refer to. */
async function blobsOf(
  { images, extraBlobs }: FilledSelection,
  transfer: Transfer,
): Promise<readonly BlobToCopy[]> {
  const blobs = new Map<Digest, BlobToCopy>(extraBlobs.map((blob) => [blob.digest, blob]))
  for (const { document } of images) {
    for (const part of [document.config, ...document.layers]) {
      if (blobs.has(part.digest) || (await isElsewhere(part, transfer))) continue
      blobs.set(part.digest, { digest: part.digest, size: part.size })
      const refersTo = part.annotations?.[ANNOTATION_NYDUS_REF]
      if (refersTo === undefined || !isDigest(refersTo) || blobs.has(refersTo)) continue
      const size = await transfer.source.blobSize(refersTo, transfer.signal)
      blobs.set(refersTo, { digest: refersTo, size })
    }
  }
  return [...blobs.values()]
}

/** Layers that are not to be distributed (of Windows, mostly) say where they are, and may be missing in the source. */
async function isElsewhere(part: Descriptor, { source, signal }: Transfer): Promise<boolean> {
  return (part.urls?.length ?? 0) > 0 && !(await source.hasBlob(part, signal))
}

/** Pushes all documents, the one that the tag names last. */
async function putManifests({ images, indexes }: FilledSelection, transfer: Transfer) {
  const { target, signal, retry } = transfer
  const documents = [...images, ...indexes]
  for (const [i, { bytes, mediaType, descriptor }] of documents.entries()) {
    const isLast = i === documents.length - 1
    const push = () =>
      target.putManifest(bytes, mediaType, { signal, ...(isLast && { tag: 'from-reference' }) })
    await withRetries(`push of manifest ${descriptor.digest}`, push, retry)
  }
  return documents.at(-1) as (typeof documents)[number]
}

function describeImage({ descriptor }: SelectedImage) {
  const { platform, digest } = descriptor
  return { platform: platform === undefined ? undefined : formatPlatform(platform), digest }
}

function countRoutes(blobs: readonly BlobToCopy[], routes: readonly BlobRoute[]): CopyResult['blobs'] {
  const count = (route: BlobRoute) => {
    const taken = blobs.filter((_, i) => routes[i] === route)
    return { count: taken.length, bytes: sizeOf(taken) }
  }
  return { exists: count('exists'), mounted: count('mounted'), streamed: count('streamed') }
}

function sizeOf(blobs: readonly BlobToCopy[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0)
}
