// SPDX-License-Identifier: Apache-2.0
/** Inodes of either version. */
import type { Bootstrap } from './bootstrap.ts'
import { readV5Inode, readV5Symlink, readV5Xattrs } from './v5/inode.ts'
import { type Inode, readInode as readV6Inode, readXattrs as readV6Xattrs } from './v6/inode.ts'
import { readSymlink as readV6Symlink } from './v6/symlink.ts'
import type { Xattr } from './xattr.ts'

/**
 * Reads an inode. Of a v5 hard link it is that of the group's first member: same nid, same inode.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when nid or xattrs leave the bootstrap, ERR_FORMAT_UNSUPPORTED_FEATURE for
 *   another data layout, ERR_FORMAT_CORRUPT for an unknown file type.
 */
export function readInode(bootstrap: Bootstrap, nid: number): Inode {
  return bootstrap.fsVersion === 5 ? readV5Inode(bootstrap, nid) : readV6Inode(bootstrap, nid)
}

/**
 * Extended attributes of an inode in disk order. Values are views into the bootstrap.
 * @throws {FormatError} what `readInode` throws, and for a damaged xattr area.
 */
export function readXattrs(bootstrap: Bootstrap, nid: number): readonly Xattr[] {
  return bootstrap.fsVersion === 5 ? readV5Xattrs(bootstrap, nid) : readV6Xattrs(bootstrap, nid)
}

/**
 * The target's bytes: leave them unchanged, they may be a view.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no symlink or its target is empty or too long, and what
 *   `readInode` throws.
 */
export function readSymlink(bootstrap: Bootstrap, nid: number): Uint8Array {
  return bootstrap.fsVersion === 5 ? readV5Symlink(bootstrap, nid) : readV6Symlink(bootstrap, nid)
}
