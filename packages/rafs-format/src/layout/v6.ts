// SPDX-License-Identifier: Apache-2.0
/** RAFS v6 records that EROFS does not know: the extended superblock and the blob table. */
import { bytes, cstring, defineStruct, reserved, u32, u64, u64flags } from '@nydus/base/binary'

/** The extended superblock follows the EROFS superblock. */
export const V6_SUPER_EXT_OFFSET = 1152
/** The builder leaves one block empty before the root inode, so the root's nid is always this. */
export const V6_ROOT_NID = 128
/** mapped block addresses of blobs are multiples of this many bytes. */
export const V6_MAPPED_ALIGNMENT = 0x8_0000

export const V6SuperBlockExt = defineStruct('V6SuperBlockExt', 256, {
  flags: u64flags, // SUPER_FLAGS
  blobTableOffset: u64, // multiple of 4096
  blobTableSize: u32, // bytes, 256 a blob
  chunkSize: u32, // bytes, power of two 4 KiB … 16 MiB
  chunkTableOffset: u64, // multiple of 4096; the end of the inode area even when the table is empty
  chunkTableSize: u64, // bytes, 80 a record
  prefetchTableOffset: u64, // 0 if none
  prefetchTableSize: u32, // bytes, 4 a nid
  reserved0: reserved(4),
  reserved1: reserved(200),
})

export const V6BlobEntry = defineStruct('V6BlobEntry', 256, {
  blobId: cstring(64), // hex text; 64 × 'x' in the bootstrap inside its own blob
  blobIndex: u32, // equals the position in the table
  chunkSize: u32, // equals the superblock's
  chunkCount: u32, // ≤ 2^24
  compressor: u32, // COMPRESSOR_IDS
  digester: u32, // DIGESTER_IDS
  features: u32, // BLOB_FEATURES
  compressedSize: u64, // bytes of the blob file, ≤ 2^40 (or what was written before the bootstrap)
  uncompressedSize: u64, // bytes of the uncompressed blob (cache file), ≤ 2^44
  tocSize: u32, // bytes of the ToC with its tar header; 0 unknown
  metaCompressor: u32, // how the blob meta's chunk array is stored
  metaOffset: u64, // of the stored chunk array in the blob
  metaCompressedSize: u64, // bytes as stored
  metaUncompressedSize: u64, // chunk records and contexts
  tocDigest: bytes(32), // SHA-256 of ToC with its tar header, zero if unknown
  metaBlobDigest: bytes(32), // of a separate meta blob; or the AES key
  metaBlobSize: u64flags, // of a separate meta blob; of an encrypted blob IV bytes 0..7, which is why it is no number
  ivTail: bytes(8), // IV bytes 8..15, else zero
  cipher: u32, // 0 none, 1 AES-128-XTS
  reserved0: reserved(36),
})
