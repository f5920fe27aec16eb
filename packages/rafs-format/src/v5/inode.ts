// SPDX-License-Identifier: Apache-2.0
/**
 * Inodes of v5. The parts of a record, each padded with zeros to 8:
 *
 *   fixed part (128) · name · symlink target · xattrs, if flagged · files: chunk records (80 each)
 *
 * Nodes are numbered from 1: the index. Members of a hard-link group have a record each and share the ino, which is the index
 * of the first member. That record speaks for the group, as in the original daemon, so an index and a nid are one thing.
 */
import { alignUp, checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { V5Bootstrap } from '../bootstrap.ts'
import { ChunkRecord } from '../layout/chunk-info.ts'
import { V5_ALIGNMENT, V5_INODE_FLAGS, V5_ROOT_INO, V5InodeRecord } from '../layout/v5.ts'
import { FILE_TYPE, type Inode, S_IFMT } from '../v6/inode.ts'
import type { Xattr } from '../xattr.ts'
import { v5RecordOffset } from './inode-table.ts'
import { decodeV5Xattrs, V5_XATTR_HEAD_BYTES } from './xattr.ts'

/** An inode with the members that only v5 stores. */
export interface V5Inode extends Inode {
  /** ino of the directory that holds it; 0 for the root. */
  readonly parentIno: number
  /** V5_INODE_FLAGS. */
  readonly flags: number
  readonly projid: number
  /** Of 512 bytes. */
  readonly blocks: number
  /** Directories: index of the first child. */
  readonly childIndex: number
  /** Directories: number of children. Files: number of chunks. */
  readonly childCount: number
  /** Bytes. */
  readonly nameSize: number
  /** Bytes. */
  readonly symlinkSize: number
}

/** Names are checked loosely: one byte more than Linux takes. */
const MAX_NAME_BYTES = 256
/** Linux's PATH_MAX. */
const MAX_TARGET_BYTES = 4096
const DIGEST_BYTES = 32

/**
 * The inode of an index: of a hard link, that of its group's first member.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when the index or a part of the record leaves the bootstrap,
 *   ERR_FORMAT_CORRUPT for an unknown file type, impossible numbers and a group whose first member denies it.
 */
export function readV5Inode(bootstrap: V5Bootstrap, index: number): V5Inode {
  const record = readV5Record(bootstrap, index)
  if (record.ino === index) return record
  const first = readV5Record(bootstrap, record.ino)
  if (first.ino === record.ino) return first
  throw damaged(index, `it shares the inode ${record.ino}, which says that it is ${first.ino}`)
}

/**
 * The record of an index as it is stored, also for the further members of a hard-link group: `nid` is the index, `ino` the
 * group's. Throws like `readV5Inode`.
 */
export function readV5Record(bootstrap: V5Bootstrap, index: number): V5Inode {
  const { bytes } = bootstrap
  const at = v5RecordOffset(bootstrap, index)
  checkRange(at, V5InodeRecord.size, bytes.length, `inode ${index}`)
  const record = V5InodeRecord.view(bytes, at)
  const { mode, flags, nameSize, symlinkSize, childIndex, childCount, ino, nlink, parentIno } = record
  const type = mode & S_IFMT
  const regular = type === FILE_TYPE.REGULAR
  checkNumbers(index, record)
  if (type === FILE_TYPE.DIRECTORY) checkChildren(bootstrap, index, record)
  const xattrsAt =
    at + V5InodeRecord.size + alignUp(nameSize, V5_ALIGNMENT) + alignUp(symlinkSize, V5_ALIGNMENT)
  const xattrSize = (flags & V5_INODE_FLAGS.XATTR) === 0 ? 0 : readXattrAreaSize(bootstrap, xattrsAt, index)
  const tailOffset = xattrsAt + xattrSize
  checkRange(
    tailOffset,
    regular ? childCount * ChunkRecord.size : 0,
    bytes.length,
    `inode ${index} to its end`,
  )
  return {
    nid: index,
    ino,
    mode,
    size: record.size,
    uid: record.uid,
    gid: record.gid,
    mtime: record.mtime,
    mtimeNsec: record.mtimeNsec,
    nlink,
    rdev: type === FILE_TYPE.CHAR_DEVICE || type === FILE_TYPE.BLOCK_DEVICE ? record.rdev : 0,
    layout: regular ? 'chunk-based' : 'flat-inline',
    union: 0,
    bootstrapOffset: at,
    xattrSize,
    tailOffset,
    parentIno,
    flags,
    projid: record.projid,
    blocks: record.blocks,
    childIndex,
    childCount,
    nameSize,
    symlinkSize,
  }
}

/** Tells whether `inode` was read from a v5 bootstrap. */
export function isV5Inode(inode: Inode): inode is V5Inode {
  return 'childCount' in inode
}

/** Bytes of a record. */
export function v5RecordSize({ bootstrapOffset, tailOffset, layout, childCount }: V5Inode): number {
  return tailOffset - bootstrapOffset + (layout === 'chunk-based' ? childCount * ChunkRecord.size : 0)
}

/** Digest of a record's content, 32 bytes: a view into the bootstrap. */
export function v5InodeDigest(bootstrap: V5Bootstrap, inode: V5Inode): Uint8Array {
  const at = inode.bootstrapOffset + V5InodeRecord.offsets.digest
  return bootstrap.bytes.subarray(at, at + DIGEST_BYTES)
}

/** `rdev` as stored: tar builders write 0xffffffff for what is no device. */
export function v5StoredRdev(bootstrap: V5Bootstrap, inode: V5Inode): number {
  return V5InodeRecord.view(bootstrap.bytes, inode.bootstrapOffset).rdev
}

/** Name of a record, `/` for the root: a view into the bootstrap. */
export function v5InodeName(bootstrap: V5Bootstrap, inode: V5Inode): Uint8Array {
  const at = inode.bootstrapOffset + V5InodeRecord.size
  return bootstrap.bytes.subarray(at, at + inode.nameSize)
}

/**
 * A symlink's target: a view into the bootstrap.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `index` is no symlink or its target is empty, and what `readV5Inode` throws.
 */
export function readV5Symlink(bootstrap: V5Bootstrap, index: number): Uint8Array {
  const inode = readV5Inode(bootstrap, index)
  const { mode, nameSize, symlinkSize, bootstrapOffset } = inode
  if ((mode & S_IFMT) !== FILE_TYPE.SYMLINK || symlinkSize === 0 || symlinkSize > MAX_TARGET_BYTES) {
    throw damaged(index, `mode 0${mode.toString(8)} with a target of ${symlinkSize} bytes`)
  }
  const at = bootstrapOffset + V5InodeRecord.size + alignUp(nameSize, V5_ALIGNMENT)
  return bootstrap.bytes.subarray(at, at + symlinkSize)
}

/** Extended attributes in disk order: views into the bootstrap. @throws {FormatError} what `readV5Inode` and `decodeV5Xattrs` throw. */
export function readV5Xattrs(bootstrap: V5Bootstrap, index: number): readonly Xattr[] {
  return v5RecordXattrs(bootstrap, readV5Inode(bootstrap, index))
}

/** `readV5Xattrs` of a record that has been read already. */
export function v5RecordXattrs(bootstrap: V5Bootstrap, inode: V5Inode): readonly Xattr[] {
  if (inode.xattrSize === 0) return []
  const area = inode.tailOffset - inode.xattrSize
  const size = Number(bootstrap.view.getBigUint64(area, true))
  const body = area + V5_XATTR_HEAD_BYTES
  return decodeV5Xattrs(bootstrap.bytes.subarray(body, body + size))
}

function readXattrAreaSize(bootstrap: V5Bootstrap, at: number, index: number): number {
  const { bytes, view } = bootstrap
  checkRange(at, V5_XATTR_HEAD_BYTES, bytes.length, `xattrs of inode ${index}`)
  const body = Number(view.getBigUint64(at, true))
  checkRange(at + V5_XATTR_HEAD_BYTES, body, bytes.length, `xattrs of inode ${index}`)
  return V5_XATTR_HEAD_BYTES + alignUp(body, V5_ALIGNMENT)
}

const FILE_TYPES: ReadonlySet<number> = new Set(Object.values(FILE_TYPE))

type Numbers = Pick<
  V5Inode,
  'mode' | 'ino' | 'parentIno' | 'nlink' | 'nameSize' | 'childIndex' | 'childCount'
>

function checkNumbers(index: number, { mode, ino, parentIno, nlink, nameSize }: Numbers): void {
  const type = mode & S_IFMT
  if (!FILE_TYPES.has(type)) throw damaged(index, `mode 0${mode.toString(8)} has no file type`)
  if (ino < V5_ROOT_INO || ino > index) throw damaged(index, `inode number ${ino}`)
  if (nlink === 0) throw damaged(index, 'no links')
  if (nameSize === 0 || nameSize > MAX_NAME_BYTES) throw damaged(index, `name of ${nameSize} bytes`)
  // A link may be in a directory that comes after its group's first member.
  const linked = type === FILE_TYPE.REGULAR && nlink > 1
  const isAbove = linked || parentIno < ino
  const hasParent = ino === V5_ROOT_INO || parentIno !== 0
  if (!isAbove || !hasParent) throw damaged(index, `parent ${parentIno} of inode number ${ino}`)
}

/** Children come after their directory, so that directories cannot hold each other. */
function checkChildren(
  bootstrap: V5Bootstrap,
  index: number,
  { ino, childIndex, childCount }: Numbers,
): void {
  const { inodeTableEntries } = bootstrap.superBlock
  if (childCount === 0) return
  if (childIndex > ino && childIndex + childCount - 1 <= inodeTableEntries) return
  throw damaged(index, `${childCount} children from inode ${childIndex} on, the last is ${inodeTableEntries}`)
}

function damaged(index: number, what: string): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', `inode ${index}: ${what}`, { details: { index } })
}
