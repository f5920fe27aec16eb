// SPDX-License-Identifier: Apache-2.0
/** READDIR and READDIRPLUS. The cookie of an entry is its ordinal + 1, so a listing can go on from any of them. */
import { type Bootstrap, type DirEntry, readDirectory, readInode } from '@nydus/rafs-format'
import { DIRENT_TYPE } from '@nydus/rafs-format/layout'
import { type AttrRules, ENTRY_BYTES, putEntry } from './attr.ts'
import { ERRNO } from './errno.ts'
import { FuseDirent } from './protocol/structs.ts'
import type { NodeNumbers } from './rafs-ops.ts'
import { putInteger64, REPLY_HEADER_BYTES, type ReplyBuffer } from './reply-buffer.ts'

const ENTRY_ALIGNMENT = 8
const TYPE_MASK = 0o170000
const TYPE_DIRECTORY = 0o040000
const DOT = 0x2e

/** DT_* of readdir(3) by the type byte of a dirent. */
const DT_OF_TYPE: Readonly<Record<number, number>> = {
  [DIRENT_TYPE.FIFO]: 1,
  [DIRENT_TYPE.CHAR_DEVICE]: 2,
  [DIRENT_TYPE.DIRECTORY]: 4,
  [DIRENT_TYPE.BLOCK_DEVICE]: 6,
  [DIRENT_TYPE.REGULAR]: 8,
  [DIRENT_TYPE.SYMLINK]: 10,
  [DIRENT_TYPE.SOCKET]: 12,
}

/** Listing operations. */
export interface DirectoryOps {
  /** Entries after the one whose cookie is `offset`, as many as fit into `size` bytes. */
  readdir(nodeid: number, offset: number, size: number, out: ReplyBuffer): number
  /** The same with attributes, which saves the kernel one LOOKUP an entry. */
  readdirplus(nodeid: number, offset: number, size: number, out: ReplyBuffer): number
}

/** The listing operations over a bootstrap. */
export function createDirectoryOps(
  bootstrap: Bootstrap,
  numbers: NodeNumbers,
  rules: AttrRules,
): DirectoryOps {
  function list(nodeid: number, offset: number, size: number, out: ReplyBuffer, headBytes: number): number {
    const nid = numbers.nidOf(nodeid)
    if ((readInode(bootstrap, nid).mode & TYPE_MASK) !== TYPE_DIRECTORY) return -ERRNO.ENOTDIR
    const limit = Math.min(size, out.payload.length)
    let used = 0
    for (const entry of readDirectory(bootstrap, nid, offset)) {
      const length = alignEntry(headBytes + FuseDirent.size + entry.name.length)
      if (used + length > limit) break
      if (headBytes > 0) putHead(out, used, entry)
      putDirent(out, used + headBytes, entry)
      used += length
    }
    return used
  }

  /** The kernel does not look at the head of `.` and `..`. */
  function putHead(out: ReplyBuffer, position: number, entry: DirEntry): void {
    if (isDots(entry.name)) {
      out.payload.fill(0, position, position + ENTRY_BYTES)
      return
    }
    const inode = readInode(bootstrap, entry.nid)
    putEntry(out.view, REPLY_HEADER_BYTES + position, numbers.nodeidOf(entry.nid), inode, rules)
  }

  return {
    readdir: (nodeid, offset, size, out) => list(nodeid, offset, size, out, 0),
    readdirplus: (nodeid, offset, size, out) => list(nodeid, offset, size, out, ENTRY_BYTES),
  }
}

function putDirent(out: ReplyBuffer, position: number, entry: DirEntry): void {
  const { offsets } = FuseDirent
  const at = REPLY_HEADER_BYTES + position
  putInteger64(out.view, at + offsets.ino, entry.nid)
  putInteger64(out.view, at + offsets.offset, entry.cookie)
  out.view.setUint32(at + offsets.nameLength, entry.name.length, true)
  out.view.setUint32(at + offsets.type, DT_OF_TYPE[entry.fileType] ?? 0, true)
  const nameAt = position + FuseDirent.size
  out.payload.set(entry.name, nameAt)
  out.payload.fill(0, nameAt + entry.name.length, alignEntry(nameAt + entry.name.length))
}

function alignEntry(length: number): number {
  return (length + ENTRY_ALIGNMENT - 1) & -ENTRY_ALIGNMENT
}

function isDots(name: Uint8Array): boolean {
  return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))
}
