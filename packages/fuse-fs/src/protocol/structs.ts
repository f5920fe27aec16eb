// SPDX-License-Identifier: Apache-2.0
/**
 * Records of the FUSE kernel protocol, version 7. All integers are in the byte order of the machine; every platform
 * that Node runs on with FUSE is little-endian. Source: Linux `include/uapi/linux/fuse.h`.
 *
 *   request:  FuseInHeader | argument record | names, NUL-terminated
 *   reply:    FuseOutHeader | result record or bytes
 */
import { defineStruct, reserved, u16, u32, u64, u64flags } from '@nydus/base/binary'

/** Starts every request. */
export const FuseInHeader = defineStruct('FuseInHeader', 40, {
  length: u32, // bytes of the whole request
  opcode: u32, // OPCODE
  unique: u64flags, // request id; bit 63 marks a resent request
  nodeid: u64, // 1 = root
  uid: u32, // of the caller
  gid: u32,
  pid: u32,
  extensionLength: u16, // 8-byte units behind the argument
  reserved0: reserved(2),
})

/** Starts every reply. */
export const FuseOutHeader = defineStruct('FuseOutHeader', 16, {
  length: u32, // bytes of the whole reply
  error: u32, // 0 or −errno in two's complement
  unique: u64flags, // of the request
})

export const FuseAttr = defineStruct('FuseAttr', 88, {
  ino: u64,
  size: u64, // bytes
  blocks: u64, // of 512 bytes
  atime: u64flags, // seconds, two's complement
  mtime: u64flags,
  ctime: u64flags,
  atimeNsec: u32,
  mtimeNsec: u32,
  ctimeNsec: u32,
  mode: u32, // st_mode
  nlink: u32,
  uid: u32,
  gid: u32,
  rdev: u32, // new_encode_dev() form, the same as EROFS stores
  blksize: u32, // preferred size of reads, bytes
  flags: u32,
})

/** Result of LOOKUP, and head of each READDIRPLUS entry; a FuseAttr follows. */
export const FuseEntryOut = defineStruct('FuseEntryOut', 40, {
  nodeid: u64, // 0: the name does not exist, and the kernel may remember that
  generation: u64,
  entryValid: u64, // seconds
  attrValid: u64, // seconds
  entryValidNsec: u32,
  attrValidNsec: u32,
})

/** Result of GETATTR; a FuseAttr follows. */
export const FuseAttrOut = defineStruct('FuseAttrOut', 16, {
  attrValid: u64, // seconds
  attrValidNsec: u32,
  reserved0: reserved(4),
})

export const FuseInitIn = defineStruct('FuseInitIn', 64, {
  major: u32,
  minor: u32,
  maxReadahead: u32, // bytes
  flags: u32, // INIT_FLAGS, bits 0..31
  flags2: u32, // bits 32..63, with INIT_EXT
  reserved0: reserved(44),
})
/** Kernels before 7.36 send only the first four members. */
export const INIT_IN_SHORT_BYTES = 16

export const FuseInitOut = defineStruct('FuseInitOut', 64, {
  major: u32,
  minor: u32,
  maxReadahead: u32, // bytes
  flags: u32,
  maxBackground: u16, // readahead requests in flight
  congestionThreshold: u16,
  maxWrite: u32, // bytes
  timeGran: u32, // nanoseconds
  maxPages: u16, // pages of one request, with MAX_PAGES
  mapAlignment: u16,
  flags2: u32,
  maxStackDepth: u32,
  requestTimeout: u16, // seconds, 0 = none
  reserved0: reserved(22),
})

/** Result of OPEN. */
export const FuseOpenOut = defineStruct('FuseOpenOut', 16, {
  fileHandle: u64flags,
  openFlags: u32, // OPEN_FLAGS
  reserved0: reserved(4),
})

/** Argument of READ, READDIR and READDIRPLUS. */
export const FuseReadIn = defineStruct('FuseReadIn', 40, {
  fileHandle: u64flags,
  offset: u64, // bytes, or the cookie of the last directory entry seen
  size: u32, // bytes wanted
  readFlags: u32,
  lockOwner: u64flags,
  flags: u32,
  reserved0: reserved(4),
})

/** One READDIR entry; the name follows, padded to 8 bytes. */
export const FuseDirent = defineStruct('FuseDirent', 24, {
  ino: u64,
  offset: u64, // cookie of the next entry
  nameLength: u32, // bytes
  type: u32, // S_IFMT bits >> 12
})

/** Argument of GETXATTR (the name follows) and LISTXATTR. */
export const FuseGetxattrIn = defineStruct('FuseGetxattrIn', 8, {
  size: u32, // bytes of the caller's buffer; 0 asks for the size
  reserved0: reserved(4),
})

/** Result of GETXATTR and LISTXATTR when the size was asked for. */
export const FuseGetxattrOut = defineStruct('FuseGetxattrOut', 8, {
  size: u32,
  reserved0: reserved(4),
})

export const FuseStatfsOut = defineStruct('FuseStatfsOut', 80, {
  blocks: u64,
  blocksFree: u64,
  blocksAvailable: u64,
  files: u64,
  filesFree: u64,
  blockSize: u32, // bytes
  nameLength: u32, // bytes
  fragmentSize: u32, // bytes
  reserved0: reserved(28),
})
