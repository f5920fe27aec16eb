// SPDX-License-Identifier: Apache-2.0
/** Where the parts of a blob lie, as far as its entry in the blob table tells. */
import { hexText } from '../byte-text.ts'
import { BLOB_FEATURES } from '../flags.ts'
import { TAR_HEADER_BYTES } from '../layout/tar.ts'
import type { BlobInfo } from '../v6/blob-table.ts'

/** Where a blob's chunk array and, right behind it, its header are stored. */
export interface BlobMetaPlace {
  /**
   * Blob that holds them: the blob itself or its separate meta blob. Undefined for a separate meta blob whose name is that
   * of the file the bootstrap came from.
   */
  readonly blobId: string | undefined
  /** True when that is another blob than the one with the chunks. */
  readonly separate: boolean
  /** Of the stored chunk array. */
  readonly offset: number
  /** Bytes of the stored chunk array; the header of BLOB_META_HEADER_BYTES follows. */
  readonly compressedSize: number
}

type DataMembers = Pick<
  BlobInfo,
  'features' | 'compressedSize' | 'metaOffset' | 'metaCompressedSize' | 'metaUncompressedSize'
>

/** Tells whether all `features` are set. */
export function hasBlobFeatures(blob: Pick<BlobInfo, 'features'>, features: number): boolean {
  return (blob.features & features) === features
}

/** Tells whether the blob has a chunk array at all: v5 and tarfs blobs and blobs without chunks have none. */
export function hasBlobMeta(blob: Pick<BlobInfo, 'metaCompressedSize' | 'metaUncompressedSize'>): boolean {
  return blob.metaCompressedSize > 0 && blob.metaUncompressedSize > 0
}

/**
 * Bytes from the start of the blob that hold chunks. What the entry calls compressed size may count more: chunk array,
 * digests and trailers of everything that was written before the bootstrap.
 */
export function blobDataSize(blob: DataMembers): number {
  const { features, compressedSize, metaOffset } = blob
  // A referenced tar.gz is data from end to end, and builders before 2.2 had no trailers.
  if ((features & BLOB_FEATURES.SEPARATE) !== 0 || (features & BLOB_FEATURES.CAP_TAR_TOC) === 0)
    return compressedSize
  const trailer = (features & BLOB_FEATURES.HAS_TAR_HEADER) !== 0 ? TAR_HEADER_BYTES : 0
  return Math.max(0, (hasBlobMeta(blob) ? metaOffset : compressedSize) - trailer)
}

/** Where the blob meta is; undefined for a blob without one. */
export function locateBlobMeta(
  blob: DataMembers & Pick<BlobInfo, 'blobId' | 'metaBlobDigest'>,
): BlobMetaPlace | undefined {
  if (!hasBlobMeta(blob)) return undefined
  const separate = (blob.features & BLOB_FEATURES.SEPARATE) !== 0
  const inline = (blob.features & BLOB_FEATURES.INLINED_FS_META) !== 0
  return {
    blobId: !separate ? blob.blobId : inline ? undefined : hexText(blob.metaBlobDigest),
    separate,
    offset: blob.metaOffset,
    compressedSize: blob.metaCompressedSize,
  }
}
