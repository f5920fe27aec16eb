// SPDX-License-Identifier: Apache-2.0
/** The 4096-byte header behind the chunk array of a blob meta. */
import type { Compressor } from '@nydus/base/compress'
import { FormatError } from '@nydus/base/error'
import { COMPRESSOR_IDS, compressorFromId } from '../flags.ts'
import { BLOB_META_MAGIC, BlobMetaHeader as HeaderRecord } from '../layout/blob-meta.ts'

/** What the header says. */
export interface BlobMetaHeader {
  /** BLOB_FEATURES. */
  readonly features: number
  /** How the chunk array is stored in the blob. */
  readonly compressor: Compressor
  readonly chunkCount: number
  /** Of the stored chunk array in its file. */
  readonly metaOffset: number
  /** Bytes as stored. */
  readonly metaCompressedSize: number
  /** Bytes: records, contexts and dictionaries. */
  readonly metaUncompressedSize: number
  /** Of the zran or batch contexts inside the uncompressed array; 0 without contexts. */
  readonly contextOffset: number
  /** Bytes: contexts and dictionaries. */
  readonly contextSize: number
  readonly contextCount: number
}

/** Bytes of the header. */
export const BLOB_META_HEADER_BYTES: number = HeaderRecord.size

/** The header's bytes. Members left out are 0. */
export function encodeBlobMetaHeader(header: Partial<BlobMetaHeader>): Uint8Array {
  const { compressor, ...members } = header
  return HeaderRecord.encode({
    ...members,
    magic: BLOB_META_MAGIC,
    compressor: COMPRESSOR_IDS[compressor ?? 'none'],
    magic2: BLOB_META_MAGIC,
  })
}

/**
 * Reads a header.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_BAD_MAGIC (an encrypted header looks like this),
 *   ERR_FORMAT_UNSUPPORTED_COMPRESSION.
 */
export function decodeBlobMetaHeader(bytes: Uint8Array, offset = 0): BlobMetaHeader {
  const record = HeaderRecord.view(bytes, offset)
  for (const found of [record.magic, record.magic2]) {
    if (found === BLOB_META_MAGIC) continue
    throw new FormatError(
      'ERR_FORMAT_BAD_MAGIC',
      `blob meta header: magic is 0x${found.toString(16)}, expected 0x${BLOB_META_MAGIC.toString(16)}`,
      { details: { expected: BLOB_META_MAGIC, found } },
    )
  }
  const { magic: _, magic2: __, compressor, ...members } = HeaderRecord.decode(bytes, offset)
  return { ...members, compressor: compressorFromId(compressor) }
}
