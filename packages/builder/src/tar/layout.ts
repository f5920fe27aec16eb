// SPDX-License-Identifier: Apache-2.0
/**
 * Tar header blocks. Numbers are octal text or, with the top bit set, big-endian binary ("base-256").
 * Source: POSIX.1-2024 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
 */
import { bytes, defineStruct, reserved, u8 } from '@nydus/base/binary'

export const TAR_BLOCK_BYTES = 512

export const TarHeader = defineStruct('TarHeader', TAR_BLOCK_BYTES, {
  name: bytes(100), // ended by NUL unless full
  mode: bytes(8),
  uid: bytes(8),
  gid: bytes(8),
  size: bytes(12), // bytes of content
  mtime: bytes(12), // seconds
  checksum: bytes(8), // sum of the block's bytes, this field counted as spaces
  type: u8, // TAR_TYPE
  linkName: bytes(100),
  magic: bytes(8), // USTAR_MAGIC or GNU_MAGIC; anything else is a header of 1979
  userName: bytes(32),
  groupName: bytes(32),
  deviceMajor: bytes(8),
  deviceMinor: bytes(8),
  prefix: bytes(155), // ustar: goes before the name with a slash; GNU: other fields
  reserved0: reserved(12),
})

/** `ustar`, NUL, `00`. */
export const USTAR_MAGIC = 'ustar\x0000'
/** `ustar`, two spaces, NUL. */
export const GNU_MAGIC = 'ustar  \x00'

/** Type flags as characters. */
export const TAR_TYPE = {
  FILE: '0',
  FILE_V7: '\0',
  HARDLINK: '1',
  SYMLINK: '2',
  CHAR: '3',
  BLOCK: '4',
  DIRECTORY: '5',
  FIFO: '6',
  CONTIGUOUS: '7',
  PAX: 'x',
  PAX_GLOBAL: 'g',
  GNU_LONG_NAME: 'L',
  GNU_LONG_LINK: 'K',
  GNU_SPARSE: 'S',
} as const

/** What a GNU header of type S has instead of the ustar prefix. */
export const GnuSparseHeader = defineStruct('GnuSparseHeader', TAR_BLOCK_BYTES, {
  common: reserved(386),
  segments: bytes(96), // 4 GnuSparseSegment
  isExtended: u8, // 1: a GnuSparseExtension block follows
  realSize: bytes(12), // bytes of the whole file
  reserved0: reserved(17),
})

/** More segments of a GNU sparse file. */
export const GnuSparseExtension = defineStruct('GnuSparseExtension', TAR_BLOCK_BYTES, {
  segments: bytes(504), // 21 GnuSparseSegment
  isExtended: u8, // 1: another one follows
  reserved0: reserved(7),
})

/** A run of data in a GNU sparse file. */
export const GnuSparseSegment = defineStruct('GnuSparseSegment', 24, {
  offset: bytes(12), // in the file
  length: bytes(12), // bytes
})
