// SPDX-License-Identifier: Apache-2.0
/** The 80-byte chunk record of v5 inodes and of the v6 chunk table. */
import { bytes, defineStruct, u32, u64 } from '@nydus/base/binary'

export const CHUNK_FLAGS = {
  COMPRESSED: 0x1,
  HOLE: 0x2,
  ENCRYPTED: 0x4,
  BATCH: 0x8,
  HAS_CRC32C: 0x10,
} as const

export const ChunkRecord = defineStruct('ChunkRecord', 80, {
  digest: bytes(32), // of the uncompressed chunk
  blobIndex: u32, // position in the blob table
  flags: u32, // CHUNK_FLAGS
  compressedSize: u32, // bytes stored in the blob
  uncompressedSize: u32, // bytes
  compressedOffset: u64, // in the blob
  uncompressedOffset: u64, // in the uncompressed blob (cache file)
  fileOffset: u64, // in the file
  chunkIndex: u32, // within its blob, from 0 in order of emission
  crc32c: u32, // of the uncompressed chunk; valid with HAS_CRC32C
})
