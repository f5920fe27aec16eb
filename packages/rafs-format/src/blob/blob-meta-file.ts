// SPDX-License-Identifier: Apache-2.0
/** `<blob id>.blob.meta` in cache directories and bootstrap layers: array · zeros to 4096 · header. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { type BlobMeta, openBlobMeta } from './blob-meta.ts'
import {
  BLOB_META_HEADER_BYTES,
  type BlobMetaHeader,
  decodeBlobMetaHeader,
  encodeBlobMetaHeader,
} from './blob-meta-header.ts'

const PAGE_BYTES = 4096

/** What a blob meta file holds. */
export interface BlobMetaFile {
  readonly header: BlobMetaHeader
  readonly meta: BlobMeta
  /** The uncompressed chunk array, a view. */
  readonly array: Uint8Array
}

/**
 * Reads a blob meta file.
 * @param bytes the whole file; `meta` and `array` are views into it.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_BAD_MAGIC, ERR_FORMAT_CORRUPT when the file has not exactly the
 *   size that its header asks for, ERR_FORMAT_OUT_OF_RANGE.
 */
export function parseBlobMetaFile(bytes: Uint8Array): BlobMetaFile {
  if (bytes.length < BLOB_META_HEADER_BYTES) {
    throw new FormatError('ERR_FORMAT_TRUNCATED', `blob meta file of ${bytes.length} bytes has no header`)
  }
  const header = decodeBlobMetaHeader(bytes, bytes.length - BLOB_META_HEADER_BYTES)
  const expected = alignUp(header.metaUncompressedSize, PAGE_BYTES) + BLOB_META_HEADER_BYTES
  if (bytes.length !== expected) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob meta file has ${bytes.length} bytes, its header asks for ${expected}`,
      {
        details: { expected, found: bytes.length },
      },
    )
  }
  const array = bytes.subarray(0, header.metaUncompressedSize)
  return { header, meta: openBlobMeta(array, header), array }
}

/**
 * The bytes of a blob meta file.
 * @param array the uncompressed, decrypted chunk array with its contexts.
 * @param header the header as it stands in the blob.
 */
export function formatBlobMetaFile(array: Uint8Array, header: BlobMetaHeader): Uint8Array {
  const at = alignUp(array.length, PAGE_BYTES)
  const file = new Uint8Array(at + BLOB_META_HEADER_BYTES)
  file.set(array)
  file.set(encodeBlobMetaHeader(header), at)
  return file
}
