// SPDX-License-Identifier: Apache-2.0
/** Blob meta: the chunk array, its contexts and the 4096-byte header behind them. */
import { defineStruct, reserved, u8, u16, u32, u64 } from '@nydus/base/binary'

export const BLOB_META_MAGIC = 0xb10b_b10b

export const BlobMetaHeader = defineStruct('BlobMetaHeader', 4096, {
  magic: u32, // BLOB_META_MAGIC
  features: u32, // BLOB_FEATURES
  compressor: u32, // of the chunk array as stored
  chunkCount: u32,
  metaOffset: u64, // of the stored chunk array in its file
  metaCompressedSize: u64, // bytes as stored
  metaUncompressedSize: u64, // records and contexts
  contextOffset: u64, // of the zran or batch contexts inside the uncompressed array
  contextSize: u64, // bytes: contexts and, for zran, dictionaries
  contextCount: u32,
  reserved0: reserved(4032),
  magic2: u32, // BLOB_META_MAGIC again
})

/** v1: two packed 64-bit words, see blob-meta.ts for the bit fields. */
export const ChunkMetaV1 = defineStruct('ChunkMetaV1', 16, {
  uncompressedLow: u32,
  uncompressedHigh: u32,
  compressedLow: u32,
  compressedHigh: u32,
})

/** v2: three packed 64-bit words. */
export const ChunkMetaV2 = defineStruct('ChunkMetaV2', 24, {
  uncompressedLow: u32,
  uncompressedHigh: u32,
  compressedLow: u32,
  compressedHigh: u32,
  dataLow: u32, // crc32c, or offset in the context's output
  dataHigh: u32, // context index
})

/** Flags of a v2 record, in bits 63..56 of its first word. */
export const CHUNK_META_FLAGS = {
  COMPRESSED: 0x1,
  ZRAN: 0x2,
  BATCH: 0x4,
  ENCRYPTED: 0x8,
  HAS_CRC32C: 0x10,
} as const

export const ZranContext = defineStruct('ZranContext', 40, {
  inOffset: u64, // in the gzip file
  outOffset: u64, // in the uncompressed stream
  dictionaryOffset: u64, // into the dictionary table
  inSize: u32, // bytes
  outSize: u32, // bytes
  dictionarySize: u32, // 0 … 32768
  previousByte: u8,
  unusedBits: u8,
  reserved0: u16,
})

export const BatchContext = defineStruct('BatchContext', 40, {
  compressedSize: u32, // bytes as stored
  uncompressedSize: u32, // bytes of the concatenated chunks
  reserved0: reserved(32),
})
