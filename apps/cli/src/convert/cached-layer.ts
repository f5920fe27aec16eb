// SPDX-License-Identifier: Apache-2.0
/** What the merge needs of a layer that was converted before: read out of the pushed blob, by ranges from its end. */
import { decompressExact } from '@nydus/base/compress'
import { type Digest, digestHex, sha256Digest } from '@nydus/base/digest'
import { DigestError, FormatError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type Bootstrap,
  blobTailSize,
  decodeBlobMetaHeader,
  formatBlobMetaFile,
  hasBlobFeatures,
  locateBlobSections,
  openBootstrap,
  SUPER_FLAGS,
} from '@nydus/rafs-format'
import type { ContentIdentity, ImageStore } from '@nydus/registry-client'
import { type ConvertedLayer, layerReference } from './build-blob.ts'
import type { CheckedConvertOptions } from './convert-options.ts'

/** Most layers' bootstrap and blob meta lie in this many bytes at the end of the blob: one request gets both. */
const TAIL_BYTES = 128 << 10
const MAX_BOOTSTRAP_BYTES = 2 ** 31
const MAX_META_BYTES = 512 << 20

/** What of the options decides how a layer's blob looks. */
export type LayerForm = Pick<
  CheckedConvertOptions,
  'fsVersion' | 'compressor' | 'digester' | 'chunkSize' | 'batchSize' | 'encrypt' | 'ociRef' | 'alignedChunk'
>

/**
 * Reads a layer back from its blob.
 * @returns undefined when the blob has another form than a build would give it now.
 * @throws {FormatError}, {DigestError} for a damaged blob, and what the store throws.
 */
export async function readCachedLayer(
  store: ImageStore,
  blob: ContentIdentity & { readonly refersTo: Digest | undefined },
  form: LayerForm,
  signal?: AbortSignal,
): Promise<ConvertedLayer | undefined> {
  const read = await openTail(store, blob, signal)
  const tailSize = blobTailSize(blob.size)
  const tail = await read(blob.size - tailSize, tailSize)
  const section = locateBlobSections(tail, blob.size).find('image.boot')
  if (section === undefined || section.uncompressedSize > MAX_BOOTSTRAP_BYTES) {
    throw new FormatError('ERR_FORMAT_BAD_MAGIC', `blob ${blob.digest} has no bootstrap inside`)
  }
  const stored = await read(section.compressedOffset, section.compressedSize)
  const bytes = decompressExact(section.compressor, stored, section.uncompressedSize)
  checkSectionDigest(blob, bytes, section.digest)
  const bootstrap = openBootstrap(bytes)
  if (!fits(bootstrap, form)) return undefined
  const [own] = bootstrap.blobs
  const { digest, size, refersTo } = blob
  return {
    blobId: digestHex(digest),
    digest,
    size,
    diffId: undefined,
    bootstrap: bytes,
    blobMeta: own === undefined || form.fsVersion === 5 ? undefined : await readBlobMeta(own, read),
    reference: refersTo && layerReference(refersTo, blob, tail),
  }
}

type Read = (offset: number, length: number) => Promise<Uint8Array>

/** Reads of one blob; those near its end are answered from one request. */
async function openTail(
  store: ImageStore,
  blob: ContentIdentity,
  signal: AbortSignal | undefined,
): Promise<Read> {
  const start = Math.max(0, blob.size - TAIL_BYTES)
  const fetch: Read = (offset, length) => store.readBlobRange(blob.digest, { offset, length }, { signal })
  const tail = await fetch(start, blob.size - start)
  return async (offset, length) =>
    offset >= start ? tail.subarray(offset - start, offset - start + length) : fetch(offset, length)
}

/** A blob without a table of contents (RAFS v5) has no digest there. */
function checkSectionDigest(blob: ContentIdentity, bytes: Uint8Array, expected: Uint8Array): void {
  if (expected.every((byte) => byte === 0)) return
  const found = digestHex(sha256Digest(bytes))
  if (found === Buffer.from(expected).toString('hex')) return
  throw new DigestError('ERR_DIGEST_MISMATCH', `bootstrap inside blob ${blob.digest} has digest ${found}`, {
    details: { blob: blob.digest, found },
  })
}

function fits(bootstrap: Bootstrap, form: LayerForm): boolean {
  if (bootstrap.fsVersion !== form.fsVersion || bootstrap.blobs.length > 1) return false
  if (form.encrypt || (bootstrap.flags & SUPER_FLAGS.ENCRYPTION_AES_128_XTS) !== 0n) return false
  if (form.ociRef) return bootstrap.blobs.every((blob) => hasBlobFeatures(blob, BLOB_FEATURES.ZRAN))
  if (bootstrap.digester !== form.digester) return false
  return bootstrap.blobs.every((blob) => fitsBlob(blob, bootstrap, form))
}

function fitsBlob(blob: BlobInfo, bootstrap: Bootstrap, form: LayerForm): boolean {
  const aligned = hasBlobFeatures(blob, BLOB_FEATURES.ALIGNED)
  return (
    bootstrap.chunkSize === form.chunkSize &&
    blob.compressor === form.compressor &&
    !hasBlobFeatures(blob, BLOB_FEATURES.ZRAN) &&
    hasBlobFeatures(blob, BLOB_FEATURES.BATCH) === form.batchSize > 0 &&
    (form.fsVersion === 6 || aligned === form.alignedChunk)
  )
}

async function readBlobMeta(blob: BlobInfo, read: Read): Promise<Uint8Array> {
  const { metaOffset, metaCompressedSize, metaUncompressedSize } = blob
  if (metaUncompressedSize > MAX_META_BYTES || metaCompressedSize > metaUncompressedSize) {
    const message = `blob meta of ${metaCompressedSize} → ${metaUncompressedSize} bytes`
    throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', message)
  }
  const stored = await read(metaOffset, metaCompressedSize + BLOB_META_HEADER_BYTES)
  const header = decodeBlobMetaHeader(stored.subarray(metaCompressedSize))
  const array = decompressExact(
    blob.metaCompressor,
    stored.subarray(0, metaCompressedSize),
    metaUncompressedSize,
  )
  return formatBlobMetaFile(array, header)
}
