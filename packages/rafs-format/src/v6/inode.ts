// SPDX-License-Identifier: Apache-2.0
/** Inodes: 64-byte extended ones, which builders write, and 32-byte compact ones, which others write. */
import { alignUp, checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from '../bootstrap.ts'
import {
  DIRENT_TYPE,
  EROFS_INODE_EXTENDED,
  EROFS_LAYOUT,
  EROFS_SLOT_BYTES,
  InodeCompact,
  InodeExtended,
} from '../layout/erofs.ts'
import { decodeXattrs, type Xattr, xattrAreaSize } from '../xattr.ts'

/** How an inode's data is stored. */
export type DataLayout = 'flat-plain' | 'flat-inline' | 'chunk-based'

/** A file system object, as stored. */
export interface Inode {
  /** Slot number; the inode number that users see. */
  readonly nid: number
  /** Builder's inode number, informational. */
  readonly ino: number
  /** st_mode: type and permissions. */
  readonly mode: number
  /** Bytes. */
  readonly size: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970, may be negative. */
  readonly mtime: number
  readonly mtimeNsec: number
  readonly nlink: number
  /** Linux device number; 0 for everything but devices. */
  readonly rdev: number
  readonly layout: DataLayout
  /** Block address, rdev or chunk header: the meaning depends on type and layout. */
  readonly union: number
  /** Bytes from the start of the bootstrap. */
  readonly bootstrapOffset: number
  /** Bytes of the xattr area. */
  readonly xattrSize: number
  /** First byte behind inode and xattrs: inline data, or the chunk index after alignment to 8. */
  readonly tailOffset: number
}

/** st_mode type bits. */
export const S_IFMT = 0xf000
/** st_mode file types. */
export const FILE_TYPE = {
  FIFO: 0x1000,
  CHAR_DEVICE: 0x2000,
  DIRECTORY: 0x4000,
  BLOCK_DEVICE: 0x6000,
  REGULAR: 0x8000,
  SYMLINK: 0xa000,
  SOCKET: 0xc000,
} as const

const LAYOUT_NAMES: Readonly<Record<number, DataLayout>> = {
  [EROFS_LAYOUT.FLAT_PLAIN]: 'flat-plain',
  [EROFS_LAYOUT.FLAT_INLINE]: 'flat-inline',
  [EROFS_LAYOUT.CHUNK_BASED]: 'chunk-based',
}
const LAYOUT_IDS: Readonly<Record<DataLayout, number>> = {
  'flat-plain': EROFS_LAYOUT.FLAT_PLAIN,
  'flat-inline': EROFS_LAYOUT.FLAT_INLINE,
  'chunk-based': EROFS_LAYOUT.CHUNK_BASED,
}
const FORMAT_MASK = 0xf

/** Members that the 64-byte record stores. */
export type InodeValue = Pick<
  Inode,
  'ino' | 'mode' | 'size' | 'uid' | 'gid' | 'mtime' | 'mtimeNsec' | 'nlink' | 'layout' | 'union'
> & {
  /** From `xattrCountField`. */
  readonly xattrCount: number
}

/** The extended inode record, 64 bytes. */
export function encodeInode(inode: InodeValue): Uint8Array {
  return InodeExtended.encode({ ...inode, format: EROFS_INODE_EXTENDED | (LAYOUT_IDS[inode.layout] << 1) })
}

/**
 * Reads an inode.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when nid or xattrs leave the bootstrap, ERR_FORMAT_UNSUPPORTED_FEATURE for
 *   another data layout, ERR_FORMAT_CORRUPT for an unknown file type.
 */
export function readInode(bootstrap: Bootstrap, nid: number): Inode {
  const { bytes } = bootstrap
  const slot = Number.isSafeInteger(nid) ? nid * EROFS_SLOT_BYTES : Number.NaN
  checkRange(slot, InodeCompact.size, bytes.length - bootstrap.metaOffset, `inode ${nid}`)
  const at = bootstrap.metaOffset + slot
  const format = InodeCompact.view(bytes, at).format
  const layout = LAYOUT_NAMES[(format & FORMAT_MASK) >> 1]
  if (layout === undefined || format > FORMAT_MASK) {
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
      `inode ${nid} at 0x${at.toString(16)}: format 0x${format.toString(16)}`,
      {
        details: { nid, offset: at, format },
      },
    )
  }
  const extended = (format & EROFS_INODE_EXTENDED) !== 0
  const wide = extended ? InodeExtended.view(bytes, at) : undefined
  const record = wide ?? InodeCompact.view(bytes, at)
  const { mode, union, xattrCount } = record
  checkFileType(mode, nid)
  const xattrSize = xattrAreaSize(xattrCount)
  const tailOffset = at + (extended ? InodeExtended.size : InodeCompact.size) + xattrSize
  checkRange(tailOffset, 0, bytes.length, `inode ${nid} with xattrs`)
  return {
    nid,
    ino: record.ino,
    mode,
    size: record.size,
    uid: record.uid,
    gid: record.gid,
    mtime: wide?.mtime ?? 0,
    mtimeNsec: wide?.mtimeNsec ?? 0,
    nlink: record.nlink,
    rdev: isDeviceMode(mode) ? union : 0,
    layout,
    union,
    bootstrapOffset: at,
    xattrSize,
    tailOffset,
  }
}

/**
 * Extended attributes of an inode in disk order. Values are views into the bootstrap.
 * @throws {FormatError} what `readInode` and `decodeXattrs` throw.
 */
export function readXattrs(bootstrap: Bootstrap, nid: number): readonly Xattr[] {
  const { tailOffset, xattrSize } = readInode(bootstrap, nid)
  return decodeXattrs(bootstrap.bytes.subarray(tailOffset - xattrSize, tailOffset))
}

/** Where the chunk index of a regular file starts, in bytes from the start of the bootstrap. */
export function chunkIndexOffset(inode: Inode): number {
  return inode.bootstrapOffset + alignUp(inode.tailOffset - inode.bootstrapOffset, 8)
}

/** Tells whether `mode` is that of a directory. */
export function isDirectoryMode(mode: number): boolean {
  return (mode & S_IFMT) === FILE_TYPE.DIRECTORY
}

function isDeviceMode(mode: number): boolean {
  const type = mode & S_IFMT
  return type === FILE_TYPE.CHAR_DEVICE || type === FILE_TYPE.BLOCK_DEVICE
}

const FILE_TYPES: ReadonlySet<number> = new Set(Object.values(FILE_TYPE))

function checkFileType(mode: number, nid: number): void {
  if (FILE_TYPES.has(mode & S_IFMT)) return
  throw new FormatError('ERR_FORMAT_CORRUPT', `inode ${nid}: mode 0${mode.toString(8)} has no file type`, {
    details: { nid, mode },
  })
}

const DIRENT_TYPE_OF: Readonly<Record<number, number>> = {
  [FILE_TYPE.REGULAR]: DIRENT_TYPE.REGULAR,
  [FILE_TYPE.DIRECTORY]: DIRENT_TYPE.DIRECTORY,
  [FILE_TYPE.CHAR_DEVICE]: DIRENT_TYPE.CHAR_DEVICE,
  [FILE_TYPE.BLOCK_DEVICE]: DIRENT_TYPE.BLOCK_DEVICE,
  [FILE_TYPE.FIFO]: DIRENT_TYPE.FIFO,
  [FILE_TYPE.SOCKET]: DIRENT_TYPE.SOCKET,
  [FILE_TYPE.SYMLINK]: DIRENT_TYPE.SYMLINK,
}

/** The file type that a dirent gives to an inode of `mode` (st_mode); UNKNOWN for type bits that no file has. */
export function direntTypeOf(mode: number): number {
  return DIRENT_TYPE_OF[mode & S_IFMT] ?? DIRENT_TYPE.UNKNOWN
}
