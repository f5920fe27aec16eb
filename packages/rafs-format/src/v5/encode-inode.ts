// SPDX-License-Identifier: Apache-2.0
/** Writing inode records of v5; the picture is in inode.ts. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { ChunkRecord } from '../layout/chunk-info.ts'
import { V5_ALIGNMENT, V5_INODE_FLAGS, V5InodeRecord } from '../layout/v5.ts'
import type { Xattr } from '../xattr.ts'
import { encodeV5XattrsInto, v5XattrAreaSize, v5XattrBodySize } from './xattr.ts'

/** What one record is made of. */
export interface V5InodeValue {
  /** 32 bytes. */
  readonly digest: Uint8Array
  readonly parentIno: number
  readonly ino: number
  readonly uid: number
  readonly gid: number
  /** 0 if left out. */
  readonly projid?: number
  readonly mode: number
  readonly size: number
  /** Of 512 bytes: see `v5InodeBlocks`. */
  readonly blocks: number
  /** HARDLINK and HAS_HOLE of V5_INODE_FLAGS; SYMLINK and XATTR follow from `symlink` and `xattrs`. 0 if left out. */
  readonly flags?: number
  readonly nlink: number
  /** Directories: index of the first child. 0 if left out. */
  readonly childIndex?: number
  /** Directories: number of children. Left out for files, whose chunks are counted. */
  readonly childCount?: number
  readonly rdev: number
  /** Seconds since 1970. */
  readonly mtime: number
  readonly mtimeNsec: number
  /** `/` for the root. */
  readonly name: Uint8Array
  readonly symlink?: Uint8Array
  readonly xattrs?: readonly Xattr[]
  /** Chunk records back to back, as `encodeChunkTable` makes them. */
  readonly chunks?: Uint8Array
}

/** The root's name. */
export const V5_ROOT_NAME: Uint8Array = Uint8Array.of(0x2f)
const BLOCK_BYTES = 512

/** Bytes of a record: a multiple of 8. */
export function v5InodeSize(
  inode: Pick<V5InodeValue, 'xattrs'> & {
    readonly name: { readonly length: number }
    readonly symlink?: { readonly length: number }
    /** Number of chunk records. */
    readonly chunkCount?: number
  },
): number {
  return (
    V5InodeRecord.size +
    alignUp(inode.name.length, V5_ALIGNMENT) +
    alignUp(inode.symlink?.length ?? 0, V5_ALIGNMENT) +
    v5XattrAreaSize(inode.xattrs ?? []) +
    (inode.chunkCount ?? 0) * ChunkRecord.size
  )
}

/** `blocks` of an inode of `size` bytes: its xattrs count as well. */
export function v5InodeBlocks(size: number, xattrs: readonly Xattr[] = []): number {
  return Math.ceil((size + alignUp(v5XattrBodySize(xattrs), V5_ALIGNMENT)) / BLOCK_BYTES)
}

/** The record of an inode. @throws {FormatError} ERR_FORMAT_CORRUPT when `chunks` is not made of whole records. */
export function encodeV5Inode(inode: V5InodeValue): Uint8Array {
  const record = new Uint8Array(v5InodeSize({ ...inode, chunkCount: chunkCountOf(inode) }))
  encodeV5InodeInto(record, 0, inode)
  return record
}

/** Writes the record at `at` and returns where it ends. Throws like `encodeV5Inode`. */
export function encodeV5InodeInto(target: Uint8Array, at: number, inode: V5InodeValue): number {
  const { name, symlink, xattrs = [], chunks } = inode
  const derived = (symlink ? V5_INODE_FLAGS.SYMLINK : 0) | (xattrs.length > 0 ? V5_INODE_FLAGS.XATTR : 0)
  V5InodeRecord.encodeInto(target, at, {
    ...inode,
    flags: (inode.flags ?? 0) | derived,
    childCount: chunks === undefined ? (inode.childCount ?? 0) : chunkCountOf(inode),
    nameSize: name.length,
    symlinkSize: symlink?.length ?? 0,
  })
  let end = putPadded(target, at + V5InodeRecord.size, name)
  if (symlink) end = putPadded(target, end, symlink)
  encodeV5XattrsInto(target, end, xattrs)
  end += v5XattrAreaSize(xattrs)
  if (chunks) target.set(chunks, end)
  return end + (chunks?.length ?? 0)
}

function chunkCountOf({ chunks }: V5InodeValue): number {
  const size = chunks?.length ?? 0
  if (size % ChunkRecord.size === 0) return size / ChunkRecord.size
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `chunk records of ${size} bytes, not a multiple of ${ChunkRecord.size}`,
    { details: { size } },
  )
}

function putPadded(target: Uint8Array, at: number, bytes: Uint8Array): number {
  const end = at + alignUp(bytes.length, V5_ALIGNMENT)
  target.set(bytes, at)
  target.fill(0, at + bytes.length, end)
  return end
}
