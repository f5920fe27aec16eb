// SPDX-License-Identifier: Apache-2.0
/** RAFS v5 records: superblock, extended blob table, inodes. All integers are little-endian, everything starts at a multiple of 8. */
import { bytes, defineStruct, i64, reserved, u16, u32, u64, u64flags } from '@nydus/base/binary'

/** `SFAR` on disk. */
export const V5_MAGIC = 0x5241_4653
export const V5_VERSION = 0x500
/** Bytes of the superblock. */
export const V5_SUPER_BYTES = 8192
/** Tables and inodes start at multiples of this many bytes, and the bootstrap ends at one. */
export const V5_ALIGNMENT = 8
/** ino and index of the root. */
export const V5_ROOT_INO = 1

export const V5SuperBlockRecord = defineStruct('V5SuperBlock', V5_SUPER_BYTES, {
  magic: u32, // V5_MAGIC
  version: u32, // V5_VERSION
  superBlockSize: u32, // V5_SUPER_BYTES
  chunkSize: u32, // bytes, power of two 4 KiB … 16 MiB
  flags: u64flags, // SUPER_FLAGS
  inodeCount: u64, // unique inodes: hard links counted once
  inodeTableOffset: u64, // 8192
  prefetchTableOffset: u64, // end of the inode table, even when there are no entries
  blobTableOffset: u64,
  inodeTableEntries: u32, // nodes: every hard link counted
  prefetchTableEntries: u32,
  blobTableSize: u32, // bytes, multiple of 8; 0 without blobs
  extendedBlobTableEntries: u32, // number of blobs; 0 before v1.1
  extendedBlobTableOffset: u64, // 0 before v1.1
  reserved0: reserved(8112),
})

export const V5ExtendedBlobEntry = defineStruct('V5ExtendedBlobEntry', 64, {
  chunkCount: u32,
  features: u32, // BLOB_FEATURES; 0 before 2.2
  uncompressedSize: u64, // bytes of the uncompressed blob (cache file)
  compressedSize: u64, // bytes of the blob file
  reserved0: reserved(40),
})

/** Inode flag bits. */
export const V5_INODE_FLAGS = {
  SYMLINK: 0x1,
  /** Only set by builders that read tars. */
  HARDLINK: 0x2,
  XATTR: 0x4,
  /** Chunks need not be at multiples of the chunk size. */
  HAS_HOLE: 0x8,
} as const

export const V5InodeRecord = defineStruct('V5InodeRecord', 128, {
  digest: bytes(32), // of the content: see v5/validate-digests.ts
  parentIno: u64, // 0 for the root
  ino: u64, // the index, but for the second and further members of a hard-link group that of the first
  uid: u32,
  gid: u32,
  projid: u32, // 0
  mode: u32, // st_mode
  size: u64, // bytes; directories: of their names and 8 bytes each, rounded up to 4096
  blocks: u64, // of 512 bytes
  flags: u32, // V5_INODE_FLAGS
  flagsHigh: u32, // 0
  nlink: u32,
  childIndex: u32, // directories: index of the first child
  childCount: u32, // directories: children; files: chunks
  nameSize: u16, // bytes
  symlinkSize: u16, // bytes
  rdev: u32,
  mtimeNsec: u32,
  mtime: i64, // seconds; 0 before v1.1
  reserved0: reserved(8),
})
