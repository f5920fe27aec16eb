// SPDX-License-Identifier: Apache-2.0
/** Inode → what stat(2) shows. */
import { type Inode, isV5Inode } from '@nydus/rafs-format'
import { FuseAttr, FuseAttrOut, FuseEntryOut } from './protocol/structs.ts'
import { putInteger64 } from './reply-buffer.ts'

/** Seconds for which the kernel may keep entries and attributes: for ever, the image never changes. */
const VALID_SECONDS = 2 ** 32
const STAT_BLOCK_BYTES = 512
/** st_blksize. */
const BLOCK_BYTES = 4096
const TYPE_MASK = 0o170000
const COMPAT_ROOT_PERMISSIONS = 0o755

/** Deviations from what the bootstrap stores. */
export interface AttrRules {
  readonly rootNid: number
  /** Gives the answers of the original nydusd instead of the stored ones: see `compatAttrs` of `mountRafs`. */
  readonly compat: CompatAttrs | undefined
}

/** The original's deviations. */
export interface CompatAttrs {
  /** Shown where the stored seconds of the mtime are 0: seconds since 1970. The nanoseconds stay. */
  readonly mountTime: number
  /** Shown as owner of everything when the image does not say that owners are meant; undefined when it does. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

/** Bytes of an entry reply. */
export const ENTRY_BYTES = FuseEntryOut.size + FuseAttr.size
/** Bytes of a GETATTR reply. */
export const ATTR_OUT_BYTES = FuseAttrOut.size + FuseAttr.size

/** The permission and type bits that are shown for an inode. */
export function shownMode(inode: Inode, rules: AttrRules): number {
  if (rules.compat === undefined || inode.nid !== rules.rootNid) return inode.mode
  return (inode.mode & TYPE_MASK) | COMPAT_ROOT_PERMISSIONS
}

/** st_blocks. Only v5 stores them; there they count the xattrs too. */
export function blocksOf(inode: Inode): number {
  return isV5Inode(inode) ? inode.blocks : Math.ceil(inode.size / STAT_BLOCK_BYTES)
}

/** Writes a LOOKUP result (or the head of a READDIRPLUS entry) of ENTRY_BYTES at `at`. */
export function putEntry(view: DataView, at: number, nodeid: number, inode: Inode, rules: AttrRules): void {
  const { offsets } = FuseEntryOut
  putInteger64(view, at + offsets.nodeid, nodeid)
  putInteger64(view, at + offsets.generation, 0)
  putInteger64(view, at + offsets.entryValid, VALID_SECONDS)
  putInteger64(view, at + offsets.attrValid, VALID_SECONDS)
  view.setUint32(at + offsets.entryValidNsec, 0, true)
  view.setUint32(at + offsets.attrValidNsec, 0, true)
  putAttr(view, at + FuseEntryOut.size, inode, rules)
}

/** Writes a LOOKUP result that says "no such name, and that stays so" of ENTRY_BYTES at `at`. */
export function putNegativeEntry(bytes: Uint8Array, view: DataView, at: number): void {
  bytes.fill(0, at, at + ENTRY_BYTES)
  putInteger64(view, at + FuseEntryOut.offsets.entryValid, VALID_SECONDS)
}

/** Writes a GETATTR result of ATTR_OUT_BYTES at `at`. */
export function putAttrOut(view: DataView, at: number, inode: Inode, rules: AttrRules): void {
  putInteger64(view, at + FuseAttrOut.offsets.attrValid, VALID_SECONDS)
  putInteger64(view, at + FuseAttrOut.offsets.attrValidNsec, 0)
  putAttr(view, at + FuseAttrOut.size, inode, rules)
}

function putAttr(view: DataView, at: number, inode: Inode, rules: AttrRules): void {
  const { offsets } = FuseAttr
  const { size } = inode
  const isUndated = rules.compat !== undefined && inode.mtime === 0
  const seconds = isUndated ? rules.compat.mountTime : inode.mtime
  const owner = rules.compat?.owner ?? inode
  putInteger64(view, at + offsets.ino, inode.nid)
  putInteger64(view, at + offsets.size, size)
  putInteger64(view, at + offsets.blocks, blocksOf(inode))
  putInteger64(view, at + offsets.atime, seconds)
  putInteger64(view, at + offsets.mtime, seconds)
  putInteger64(view, at + offsets.ctime, seconds)
  view.setUint32(at + offsets.atimeNsec, inode.mtimeNsec, true)
  view.setUint32(at + offsets.mtimeNsec, inode.mtimeNsec, true)
  view.setUint32(at + offsets.ctimeNsec, inode.mtimeNsec, true)
  view.setUint32(at + offsets.mode, shownMode(inode, rules), true)
  view.setUint32(at + offsets.nlink, inode.nlink, true)
  view.setUint32(at + offsets.uid, owner.uid, true)
  view.setUint32(at + offsets.gid, owner.gid, true)
  view.setUint32(at + offsets.rdev, inode.rdev, true)
  view.setUint32(at + offsets.blksize, BLOCK_BYTES, true)
  view.setUint32(at + offsets.flags, 0, true)
}
