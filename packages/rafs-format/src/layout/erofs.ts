// SPDX-License-Identifier: Apache-2.0
/**
 * EROFS on-disk records as RAFS v6 uses them. All integers are little-endian.
 * Source: Linux `fs/erofs/erofs_fs.h`; the RAFS values are in the trailing comments.
 */
import { bytes, cstring, defineStruct, i64, reserved, u8, u16, u32, u64 } from '@nydus/base/binary'

/** Bytes before the superblock. */
export const EROFS_SUPER_OFFSET = 1024
/** `E2 E1 F5 E0` on disk. */
export const EROFS_MAGIC = 0xe0f5_e1e2
/** Compatible feature that marks a RAFS v6 bootstrap. */
export const EROFS_COMPAT_RAFS_V6 = 0x4000_0000
export const EROFS_INCOMPAT_CHUNKED_FILE = 0x4
export const EROFS_INCOMPAT_DEVICE_TABLE = 0x8
/** Inodes are addressed in slots of this many bytes. */
export const EROFS_SLOT_BYTES = 32
/** Block size of all bootstraps but tarfs ones. */
export const EROFS_BLOCK_BYTES = 4096
/** Block size of tarfs bootstraps. */
export const TARFS_BLOCK_BYTES = 512

export const ErofsSuperBlock = defineStruct('ErofsSuperBlock', 128, {
  magic: u32, // EROFS_MAGIC
  checksum: u32, // 0
  featureCompat: u32, // EROFS_COMPAT_RAFS_V6
  blockSizeBits: u8, // 12; tarfs 9
  extSlots: u8, // 0
  rootNid: u16, // 128
  inodeCount: u64, // all nodes, every hard link counted
  buildTime: u64, // 0, seconds
  buildTimeNsec: u32, // 0
  blocks: u32, // sum of the blobs' floor(uncompressed size / block size)
  metaBlockAddr: u32, // block address that nids count from
  xattrBlockAddr: u32, // 0
  uuid: bytes(16),
  volumeName: bytes(16),
  featureIncompat: u32, // CHUNKED_FILE | DEVICE_TABLE
  union: u16, // 0
  extraDevices: u16, // number of blobs
  deviceTableSlotOffset: u16, // 11, in units of 128 bytes
  reserved0: reserved(38),
})

/** i_format bit 0: extended (64 bytes) or compact (32 bytes) inode. */
export const EROFS_INODE_EXTENDED = 0x1
/** i_format bits 1..3. */
export const EROFS_LAYOUT = { FLAT_PLAIN: 0, FLAT_INLINE: 2, CHUNK_BASED: 4 } as const

export const InodeExtended = defineStruct('InodeExtended', 64, {
  format: u16, // bit 0 = 1, bits 1..3 = layout
  xattrCount: u16, // 0 or (xattr bytes − 12) / 4 + 1
  mode: u16, // st_mode
  reserved0: reserved(2),
  size: u64, // bytes
  union: u32, // block address, rdev or chunk header
  ino: u32, // builder's inode number, informational
  uid: u32,
  gid: u32,
  mtime: i64, // seconds
  mtimeNsec: u32, // 0..999999999
  nlink: u32,
  reserved1: reserved(16),
})

export const InodeCompact = defineStruct('InodeCompact', 32, {
  format: u16, // bit 0 = 0
  xattrCount: u16,
  mode: u16,
  nlink: u16,
  size: u32,
  reserved0: reserved(4),
  union: u32,
  ino: u32,
  uid: u16,
  gid: u16,
  reserved1: reserved(4),
})

export const Dirent = defineStruct('Dirent', 12, {
  nid: u64, // slot number of the inode
  nameOffset: u16, // within the block
  fileType: u8, // DIRENT_TYPE
  reserved0: reserved(1),
})

export const DIRENT_TYPE = {
  UNKNOWN: 0,
  REGULAR: 1,
  DIRECTORY: 2,
  CHAR_DEVICE: 3,
  BLOCK_DEVICE: 4,
  FIFO: 5,
  SOCKET: 6,
  SYMLINK: 7,
} as const

export const XattrIbodyHeader = defineStruct('XattrIbodyHeader', 12, {
  nameFilter: u32, // 0
  sharedCount: u8, // 0: RAFS has no shared xattrs
  reserved0: reserved(7),
})

export const XattrEntry = defineStruct('XattrEntry', 4, {
  nameLength: u8, // bytes of the name after its prefix
  nameIndex: u8, // XATTR_PREFIXES
  valueSize: u16, // bytes
})

/** xattr name prefixes in the order in which the writer matches them; `exact` names have no suffix. */
export const XATTR_PREFIXES = [
  { index: 1, prefix: 'user.', exact: false },
  { index: 2, prefix: 'system.posix_acl_access', exact: true },
  { index: 3, prefix: 'system.posix_acl_default', exact: true },
  { index: 4, prefix: 'trusted.', exact: false },
  { index: 6, prefix: 'security.', exact: false },
] as const

/** Chunk header in `union` of chunk-based inodes: this flag and log2(chunk size / block size) in bits 0..4. */
export const CHUNK_FORMAT_INDEXES = 0x20
export const CHUNK_FORMAT_BITS_MASK = 0x1f

export const ChunkIndexEntry = defineStruct('ChunkIndexEntry', 8, {
  chunkIndexLow: u16, // bits 0..15 of the chunk's index within its blob
  deviceAndChunkHigh: u16, // low byte: blob index + 1; high byte: bits 16..23 of the chunk index
  blockAddr: u32, // uncompressed blob offset / block size
})

/** The device table starts here: slot 11 of 128 bytes. */
export const DEVICE_TABLE_OFFSET = 1408
export const DEVICE_TABLE_SLOT = 11

export const DeviceSlot = defineStruct('DeviceSlot', 128, {
  blobId: cstring(64), // hex text
  blocks: u32, // floor(uncompressed size / block size)
  mappedBlockAddr: u32, // where the blob starts in a flat disk image
  reserved0: reserved(56),
})
