// SPDX-License-Identifier: Apache-2.0
/** The whole tree of a bootstrap in a bounded number of steps, whatever the bytes say. */
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from './bootstrap.ts'
import { bytesText } from './byte-text.ts'
import { readDirectory } from './directory.ts'
import { readInode } from './inode.ts'
import { Dirent, EROFS_SLOT_BYTES } from './layout/erofs.ts'
import { isV5Inode, v5RecordSize } from './v5/inode.ts'
import type { DirEntry } from './v6/directory.ts'
import { chunkIndexSize } from './v6/file-extents.ts'
import { FILE_TYPE, type Inode, isDirectoryMode, S_IFMT } from './v6/inode.ts'
import { MAX_SYMLINK_BYTES } from './v6/symlink.ts'

/** One path of the tree. */
export interface TreeEntry {
  /** Components from the root, which itself has none. Views into the bootstrap. */
  readonly path: readonly Uint8Array[]
  readonly inode: Inode
  /** Of the directory that holds it; the root's own. */
  readonly parentNid: number
  /** DIRENT_TYPE of its entry there; undefined for the root. */
  readonly fileType: number | undefined
  /** True when this inode came before under another path: a hard link. */
  readonly repeated: boolean
}

/** What a walk reports besides paths. */
export interface WalkOptions {
  /** Called for every dirent in disk order, dots included, before the entry it leads to is yielded. */
  readonly onDirent?: (directory: TreeEntry, dirent: DirEntry) => void
}

interface Level {
  readonly directory: TreeEntry
  readonly dirents: Iterator<DirEntry>
}

const DOT = 0x2e
/** Linux paths have at most half as many components. */
const MAX_DEPTH = 4096
/** How often inodes may claim the bootstrap's bytes: 1 would do, were every link count right. */
const INODE_BUDGET = 4
/** Its own entry, and the dots if it is a directory. */
const V5_ENTRIES_A_NODE = 3

/** `.` or `..`. */
export function isDotName(name: Uint8Array): boolean {
  return name.length <= 2 && name.every((byte) => byte === DOT)
}

/** `/a/b`; bytes that are no UTF-8 text come out as `\xNN`. */
export function pathText(path: readonly Uint8Array[]): string {
  return `/${path.map(bytesText).join('/')}`
}

/**
 * Every path, directories before what is in them, siblings in bytewise order; the root first, dots left out.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when a directory occurs twice (a cycle), directories overlap or the tree is too
 *   deep, and what `readDirectory` throws.
 */
export function* walkTree(
  bootstrap: Bootstrap,
  options: WalkOptions = {},
): Generator<TreeEntry, void, undefined> {
  const inode = readInode(bootstrap, bootstrap.rootNid)
  const root: TreeEntry = { path: [], inode, parentNid: inode.nid, fileType: undefined, repeated: false }
  const stack: Level[] = []
  const seen = new Set<number>()
  const spend = entryBudget(bootstrap)
  const isRepeated = linkDetector(bootstrap)
  yield root
  openLevel(bootstrap, root, stack, seen)
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const next = level.dirents.next()
    if (next.done) {
      stack.pop()
      continue
    }
    spend()
    const { name, nid, fileType } = next.value
    options.onDirent?.(level.directory, next.value)
    if (isDotName(name)) continue
    const { path, inode: parent } = level.directory
    const child = readInode(bootstrap, nid)
    const repeated = isRepeated(child)
    const entry = { path: [...path, name], inode: child, parentNid: parent.nid, fileType, repeated }
    yield entry
    if (isDirectoryMode(child.mode)) openLevel(bootstrap, entry, stack, seen)
  }
}

function openLevel(bootstrap: Bootstrap, directory: TreeEntry, stack: Level[], seen: Set<number>): void {
  const { nid } = directory.inode
  if (seen.has(nid)) throw damaged(`directory ${nid} occurs twice in the tree`, { nid })
  if (stack.length === MAX_DEPTH)
    throw damaged(`more than ${MAX_DEPTH} directories inside each other`, { nid })
  seen.add(nid)
  stack.push({ directory, dirents: readDirectory(bootstrap, nid) })
}

/**
 * v6: directories share no bytes and the shortest entry has a dirent and one byte of name. v5: a node has one directory.
 * So there is an upper bound.
 */
function entryBudget(bootstrap: Bootstrap): () => void {
  let left =
    bootstrap.fsVersion === 5
      ? bootstrap.superBlock.inodeTableEntries * V5_ENTRIES_A_NODE
      : Math.floor(bootstrap.bytes.length / (Dirent.size + 1))
  return () => {
    if (left-- === 0) throw damaged('directories overlap: more entries than there are bytes for', {})
  }
}

/**
 * Tells whether an inode came before. Inodes share no bytes either, so what they claim for xattrs, chunk indexes and targets
 * is bounded; without that, many inodes over the same bytes would make reading them quadratic.
 */
function linkDetector(bootstrap: Bootstrap): (inode: Inode) => boolean {
  const linked = new Set<number>()
  let left = INODE_BUDGET * bootstrap.bytes.length
  return (inode) => {
    if (linked.has(inode.nid)) return true
    if (inode.nlink > 1) linked.add(inode.nid)
    left -= claimedBytes(bootstrap, inode)
    if (left < 0) throw damaged('inodes overlap: they claim more bytes than there are', {})
    return false
  }
}

function claimedBytes(bootstrap: Bootstrap, inode: Inode): number {
  if (isV5Inode(inode)) return v5RecordSize(inode)
  const target = (inode.mode & S_IFMT) === FILE_TYPE.SYMLINK ? Math.min(inode.size, MAX_SYMLINK_BYTES) : 0
  return EROFS_SLOT_BYTES + inode.xattrSize + chunkIndexSize(bootstrap, inode) + target
}

function damaged(message: string, details: Record<string, unknown>): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', message, { details })
}
