// SPDX-License-Identifier: Apache-2.0
/** The blob meta of a blob of the target: from the bootstrap layer, else from where the blob's entry says it is. */
import { decryptXts } from '@nydus/base/cipher'
import { decompressExact } from '@nydus/base/compress'
import { digestFromHex, isDigest } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  blobCipher,
  decodeBlobMetaHeader,
  locateBlobMeta,
  openBlobMeta,
} from '@nydus/rafs-format'
import type { ImageStore } from '@nydus/registry-client'

/** The largest that is read: the array of four million chunks. */
const MAX_META_BYTES = 256 << 20

/** Tells whether chunks of the blob can only be found with its blob meta. */
export function needsBlobMeta({ features }: Pick<BlobInfo, 'features'>): boolean {
  return (features & (BLOB_FEATURES.BATCH | BLOB_FEATURES.ZRAN)) !== 0
}

/**
 * Reads a blob meta from the blob itself, or from its separate meta blob.
 * @throws {FormatError} when it is not what the blob's entry says, and what the store throws.
 */
export async function readTargetMeta(
  blob: BlobInfo,
  store: Pick<ImageStore, 'readBlobRange'>,
  signal: AbortSignal | undefined,
): Promise<BlobMeta> {
  const place = locateBlobMeta(blob)
  const blobId = place?.blobId
  if (place === undefined || blobId === undefined || !isDigest(`sha256:${blobId}`))
    throw corrupt(blob, 'the bootstrap does not say where its blob meta is')
  if (blob.metaUncompressedSize > MAX_META_BYTES || place.compressedSize > blob.metaUncompressedSize)
    throw corrupt(blob, `its blob meta has ${place.compressedSize} → ${blob.metaUncompressedSize} bytes`)
  const length = place.compressedSize + BLOB_META_HEADER_BYTES
  const stored = await store.readBlobRange(
    digestFromHex(blobId),
    { offset: place.offset, length },
    { signal },
  )
  const cipher = blobCipher(blob)
  const plain = (bytes: Uint8Array) => (cipher === undefined ? bytes : decryptXts(bytes, cipher))
  const header = decodeBlobMetaHeader(plain(stored.subarray(place.compressedSize)))
  const array = decompressExact(
    blob.metaCompressor,
    plain(stored.subarray(0, place.compressedSize)),
    blob.metaUncompressedSize,
  )
  return openBlobMeta(array, header)
}

function corrupt({ blobId }: BlobInfo, what: string): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', `blob ${blobId}: ${what}`, { details: { blobId } })
}
