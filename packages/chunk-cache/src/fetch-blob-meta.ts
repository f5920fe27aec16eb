// SPDX-License-Identifier: Apache-2.0
/** Gets a blob meta from where the blob's builder put it: into the blob itself, or into a meta blob of its own. */
import type { ByteRange } from '@nydus/base/binary'
import { decryptXts } from '@nydus/base/cipher'
import { decompressExact } from '@nydus/base/compress'
import { FormatError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMetaHeader,
  blobCipher,
  decodeBlobMetaHeader,
  MAX_DICTIONARY_BYTES,
} from '@nydus/rafs-format'

/** Bytes of records and contexts a chunk can account for; a table that claims more is not believed. */
const MAX_META_BYTES_PER_CHUNK = 64
/** And never more than this, whatever the number of chunks: 4 TiB in chunks of 1 MiB need a quarter of it. */
const MAX_META_BYTES = 512 << 20
/** Features that decide how the array is read. */
const SHAPE_FEATURES =
  BLOB_FEATURES.CHUNK_INFO_V2 | BLOB_FEATURES.ZRAN | BLOB_FEATURES.BATCH | BLOB_FEATURES.ENCRYPTED

/** A blob meta, decrypted and uncompressed. */
export interface FetchedMeta {
  readonly array: Uint8Array
  readonly header: BlobMetaHeader
}

/**
 * @param fetch reads from the blob that holds the blob meta.
 * @throws {FormatError} when it does not fit the blob's entry in the bootstrap.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED and its kind when the array is damaged.
 */
export async function fetchBlobMeta(
  blob: BlobInfo,
  fetch: (range: ByteRange) => Promise<Uint8Array>,
): Promise<FetchedMeta> {
  checkSizes(blob)
  const { metaOffset, metaCompressedSize } = blob
  const stored = await fetch({
    offset: metaOffset,
    length: metaCompressedSize + BLOB_META_HEADER_BYTES,
  })
  const cipher = blobCipher(blob)
  const plain = (bytes: Uint8Array): Uint8Array => (cipher === undefined ? bytes : decryptXts(bytes, cipher))
  const header = decodeBlobMetaHeader(plain(stored.subarray(metaCompressedSize)))
  checkMetaHeader(header, blob)
  const array = decompressExact(
    blob.metaCompressor,
    plain(stored.subarray(0, metaCompressedSize)),
    blob.metaUncompressedSize,
  )
  return { array, header }
}

function checkSizes(blob: BlobInfo): void {
  const { blobId, chunkCount, metaCompressedSize, metaUncompressedSize } = blob
  const windows = (blob.features & BLOB_FEATURES.ZRAN) !== 0 ? MAX_DICTIONARY_BYTES : 0
  const limit = Math.min(chunkCount * (MAX_META_BYTES_PER_CHUNK + windows), MAX_META_BYTES)
  if (metaUncompressedSize <= limit && metaCompressedSize <= metaUncompressedSize) return
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `blob ${blobId}: blob meta of ${metaCompressedSize} → ${metaUncompressedSize} bytes for ${chunkCount} chunks`,
    { details: { blobId, limit } },
  )
}

/** @throws {FormatError} ERR_FORMAT_CORRUPT when `header` is not that of `blob`. */
export function checkMetaHeader(header: BlobMetaHeader, blob: BlobInfo): void {
  const partial = (blob.features & BLOB_FEATURES.IS_CHUNKDICT_GENERATED) !== 0
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['chunk count', header.chunkCount, partial ? header.chunkCount : blob.chunkCount],
    ['compressor', header.compressor, blob.metaCompressor],
    ['offset', header.metaOffset, blob.metaOffset],
    ['stored size', header.metaCompressedSize, blob.metaCompressedSize],
    ['size', header.metaUncompressedSize, blob.metaUncompressedSize],
    ['features', header.features & SHAPE_FEATURES, blob.features & SHAPE_FEATURES],
  ]
  for (const [what, found, expected] of pairs) {
    if (found === expected) continue
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob ${blob.blobId}: blob meta has ${what} ${found}, the bootstrap says ${expected}`,
      {
        details: { blobId: blob.blobId, what, found, expected },
      },
    )
  }
}
