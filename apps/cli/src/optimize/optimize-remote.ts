// SPDX-License-Identifier: Apache-2.0
/** A Nydus image and a list of what is read first → an image with that data in one blob, which a mount fetches as a stream. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestFromHex, isDigest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import {
  type BootstrapLayer,
  buildBootstrapLayer,
  type OptimizedImage,
  openBlobFile,
  optimizeImage,
  type PrefetchFile,
  parsePrefetchFiles,
} from '@nydus/builder'
import { fetchBlobMeta } from '@nydus/chunk-cache'
import { ANNOTATION_NYDUS_REF, blobCipher, formatBlobMetaFile, openBootstrap } from '@nydus/rafs-format'
import type { Descriptor } from '@nydus/registry-client'
import { openWorkDirectory } from '../convert/work-directory.ts'
import type { BlobToCopy } from '../copy/copy-blob.ts'
import type { TransferOptions } from '../copy/copy-options.ts'
import { deriveImage, nydusBlobLayer, pushDerived } from '../copy/derived-image.ts'
import { type Transfer, withTransfer } from '../copy/transfer.ts'
import { type NydusImage, openedInStore } from '../inspect/remote-image.ts'

/** What to optimize. */
export interface OptimizeOptions extends Omit<TransferOptions, 'sourceBackend'> {
  /** The list: JSON as `{"version":"v1","files":[{"path":"/bin/sh","ranges":[[0,4096]]}]}`, or one path a line. */
  readonly prefetchFiles: string
  /** Which image of an index, default `linux` on this machine's architecture. */
  readonly platform?: string | undefined
  /** Directory for the new blob until it is pushed, default `./tmp`; made if missing, removed at the end if it was made. */
  readonly workDir?: string | undefined
}

/** What was made. */
export interface OptimizeResult {
  readonly source: { readonly reference: string; readonly digest: Digest }
  readonly target: { readonly reference: string; readonly digest: Digest }
  /** The blob with what is read first. Size in bytes. */
  readonly prefetchBlob: { readonly digest: Digest; readonly size: number; readonly chunkCount: number }
  /** Files of the list, and those that the image does not have. */
  readonly fileCount: number
  readonly missing: readonly string[]
  readonly elapsedMs: number
}

/** Names the prefetch blob on the bootstrap layer. */
export const ANNOTATION_PREFETCH_BLOB = 'containerd.io/snapshot/nydus-separated-blob-with-prefetch-files'
/** The list inside the bootstrap layer's tar. */
const PREFETCH_FILES_NAME = 'prefetch.files'
const HISTORY_COMMENT = 'Nydus Prefetch Blob'

/**
 * Writes the optimized image to the target; the source stays as it is.
 * @throws {NydusError} ERR_USAGE when no file of the list is in the image, ERR_IMAGE_NOT_NYDUS, and what `optimizeImage` and
 *   the stores throw. Temporary files are gone then.
 */
export function optimizeRemoteImage(options: OptimizeOptions): Promise<OptimizeResult> {
  return withTransfer(options, async (transfer) => {
    const work = openWorkDirectory(options.workDir ?? './tmp')
    try {
      return await optimize(options, transfer, work.path)
    } finally {
      work.close()
    }
  })
}

async function optimize(
  options: OptimizeOptions,
  transfer: Transfer,
  directory: string,
): Promise<OptimizeResult> {
  const started = performance.now()
  const { source, target, signal, onEvent } = transfer
  const files = parsePrefetchFiles(options.prefetchFiles)
  const image = await openedInStore(source, { platform: options.platform, signal })
  const { descriptor } = image.documents
  onEvent({ type: 'resolved', reference: source.reference, digest: descriptor.digest })
  const { bootstrap, chunks: reader } = image
  const createBlob = () => openBlobFile(directory)
  const optimized = await optimizeImage({ bootstrap, reader, files, createBlob, signal })
  const prefetchBlob = prefetchBlobOf(optimized, files, directory)
  const bootstrapLayer = await buildLayer(image, optimized, files, directory)
  const oldBlobs = image.documents.manifest.layers.slice(0, -1)
  const isEncrypted = openBootstrap(optimized.bootstrap).blobs.some((blob) => blobCipher(blob) !== undefined)
  const derived = deriveImage({
    from: image.documents,
    blobLayers: [...oldBlobs, nydusBlobLayer(prefetchBlob, isEncrypted)],
    bootstrapLayer,
    bootstrapAnnotations: { [ANNOTATION_PREFETCH_BLOB]: prefetchBlob.digest.replace('sha256:', '') },
    historyComment: HISTORY_COMMENT,
  })
  await pushDerived(transfer, derived, bootstrapLayer, [...(await blobsOf(oldBlobs, transfer)), prefetchBlob])
  return {
    source: { reference: source.reference, digest: descriptor.digest },
    target: { reference: target.reference, digest: derived.identity.digest },
    prefetchBlob: {
      digest: prefetchBlob.digest,
      size: prefetchBlob.size,
      chunkCount: optimized.blobs.at(-1)?.chunkCount ?? 0,
    },
    fileCount: files.length,
    missing: optimized.missing,
    elapsedMs: performance.now() - started,
  }
}

function prefetchBlobOf(
  { prefetchBlobId, prefetchBlobSize }: OptimizedImage,
  files: readonly PrefetchFile[],
  directory: string,
): BlobToCopy {
  if (prefetchBlobId === undefined) {
    const message = `none of the ${files.length} files of the list is in the image and has data`
    throw new NydusError('ERR_USAGE', message, {
      hint: 'the list has absolute paths, as the container sees them',
    })
  }
  const content = () => createReadStream(join(directory, prefetchBlobId))
  return { digest: digestFromHex(prefetchBlobId), size: prefetchBlobSize, content }
}

async function buildLayer(
  image: NydusImage,
  optimized: OptimizedImage,
  files: readonly PrefetchFile[],
  directory: string,
): Promise<BootstrapLayer> {
  const { blobMetas } = image.bootstrapLayer
  const list = {
    version: 'v1',
    files: files.map(({ path, ranges }) => ({
      path,
      ...(ranges !== undefined && { ranges: ranges.map(({ offset, length }) => [offset, length]) }),
    })),
  }
  return buildBootstrapLayer({
    bootstrap: optimized.bootstrap,
    blobMetas: [
      ...[...blobMetas].map(([blobId, bytes]) => ({ blobId, bytes })),
      ...(blobMetas.size > 0 ? await metaOfNewBlob(optimized, directory) : []),
    ],
    files: [{ name: PREFETCH_FILES_NAME, bytes: Buffer.from(JSON.stringify(list)) }],
  })
}

/** Nodes get the new blob's meta with the others', so that they need not ask for it. */
async function metaOfNewBlob(optimized: OptimizedImage, directory: string) {
  const blob = openBootstrap(optimized.bootstrap).blobs.at(-1)
  if (blob === undefined || blob.blobId !== optimized.prefetchBlobId) return []
  const file = await open(join(directory, blob.blobId))
  try {
    const { array, header } = await fetchBlobMeta(blob, async ({ offset, length }) => {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await file.read(bytes, 0, length, offset)
      return bytes.subarray(0, bytesRead)
    })
    return [{ blobId: blob.blobId, bytes: formatBlobMetaFile(array, header) }]
  } finally {
    await file.close()
  }
}

/** Blobs of the old image, and the layers that zran blobs refer to. */
async function blobsOf(layers: readonly Descriptor[], { source, signal }: Transfer): Promise<BlobToCopy[]> {
  const blobs = new Map<Digest, BlobToCopy>()
  for (const { digest, size, annotations } of layers) {
    blobs.set(digest, { digest, size })
    const refersTo = annotations?.[ANNOTATION_NYDUS_REF]
    if (!isDigest(refersTo) || blobs.has(refersTo)) continue
    blobs.set(refersTo, { digest: refersTo, size: await source.blobSize(refersTo, signal) })
  }
  return [...blobs.values()]
}
