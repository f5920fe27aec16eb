// SPDX-License-Identifier: Apache-2.0
/** The lines of `check`, member by member as the original prints them. */
import { BLOB_FEATURES, type BlobInfo } from '@nydus/rafs-format'

/** Names of blob features, in the order of the text. */
const FEATURE_WORDS: readonly (readonly [number, string])[] = [
  [BLOB_FEATURES.ALIGNED, 'aligned'],
  [BLOB_FEATURES.BATCH, 'batch'],
  [BLOB_FEATURES.CAP_TAR_TOC, 'cap_toc'],
  [BLOB_FEATURES.INLINED_CHUNK_DIGEST, 'chunk-digest'],
  [BLOB_FEATURES.CHUNK_INFO_V2, 'chunk-v2'],
  [BLOB_FEATURES.INLINED_FS_META, 'fs-meta'],
  [BLOB_FEATURES.SEPARATE, 'separate'],
  [BLOB_FEATURES.HAS_TAR_HEADER, 'tar-header'],
  [BLOB_FEATURES.HAS_TOC, 'toc'],
  [BLOB_FEATURES.ZRAN, 'zran'],
  [BLOB_FEATURES.ENCRYPTED, 'encrypted'],
  [BLOB_FEATURES.IS_CHUNKDICT_GENERATED, 'is-chunkdict-generated'],
]

/** A line of the list of blobs. */
export function blobLine(index: number, blob: BlobInfo): string {
  const { blobId, compressedSize, uncompressedSize, chunkSize, chunkCount, features } = blob
  const words = FEATURE_WORDS.flatMap(([bit, word]) => ((features & bit) !== 0 ? [word] : []))
  return `\t ${index}: ${blobId}, compressed size ${compressedSize}, uncompressed size ${uncompressedSize}, chunk size: ${chunkSize}, chunk count: ${chunkCount}, features: ${words.join(' ')}`
}
