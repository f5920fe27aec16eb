// SPDX-License-Identifier: Apache-2.0
/** The in-memory file system: one `Node` per inode, lean enough for a million of them. */
import { FILE_TYPE, S_IFMT, type Xattr } from '@nydus/rafs-format'

/**
 * A name or path component with one character per byte (Latin-1). Comparing two of them with `<` compares bytes, they
 * work as Map keys, and they cost a third of a Uint8Array.
 */
export type ByteName = string

/**
 * An inode. It carries no name: names are the keys of `children`, and a hard link is the same node under several
 * keys. Nodes are mutable, the tree that holds them owns them.
 */
export interface Node {
  /** st_mode: file type and permission bits. */
  mode: number
  uid: number
  gid: number
  /** Linux 32-bit device number of device nodes; others have 0, or in RAFS v5 what its builders write there. */
  rdev: number
  /** Bytes of a file or of a symlink's target; of a directory as RAFS v5 counts them, 0 where that is not known. */
  size: number
  /** Seconds since 1970. */
  mtime: number
  mtimeNsec: number
  /** Sorted by name; a shared empty array when there are none. */
  xattrs: readonly Xattr[]
  /** Target of a symlink. */
  symlink: Uint8Array | undefined
  /** Index of the file's first record in the tree's `ChunkStore`. */
  chunkStart: number
  chunkCount: number
  /** A tar or a RAFS v5 bootstrap says that the file has (or had) more names; RAFS v5 records that. */
  hardLinked: boolean
  /** Inode number from 1, set by `numberEntries`; meaningless before and for any other plan. */
  ino: number
  /** Entries of a directory by name, in no order; undefined for everything else. */
  children: Map<ByteName, Node> | undefined
}

const NO_XATTRS: readonly Xattr[] = []

/** Members that few inodes need: they are on the prototype, and take memory only in the inodes that set them. */
const RARE = {
  uid: 0,
  gid: 0,
  rdev: 0,
  xattrs: NO_XATTRS,
  symlink: undefined,
  hardLinked: false,
  children: undefined,
} satisfies Partial<Node>

class LeanNode implements Node {
  mode: number
  size: number
  mtime: number
  mtimeNsec: number
  chunkStart: number
  chunkCount: number
  ino = 0
  declare uid: number
  declare gid: number
  declare rdev: number
  declare xattrs: readonly Xattr[]
  declare symlink: Uint8Array | undefined
  declare hardLinked: boolean
  declare children: Map<ByteName, Node> | undefined

  constructor(members: Partial<Node> & Pick<Node, 'mode'>) {
    this.mode = members.mode
    this.size = members.size ?? 0
    this.mtime = members.mtime ?? 0
    this.mtimeNsec = members.mtimeNsec ?? 0
    this.chunkStart = members.chunkStart ?? 0
    this.chunkCount = members.chunkCount ?? 0
  }
}
Object.assign(LeanNode.prototype, RARE)

/** A new node; members left out are 0 or empty. A directory gets an empty map of children. */
export function createNode(members: Partial<Node> & Pick<Node, 'mode'>): Node {
  const node = new LeanNode(members)
  if (members.uid) node.uid = members.uid
  if (members.gid) node.gid = members.gid
  if (members.rdev) node.rdev = members.rdev
  if (members.xattrs !== undefined && members.xattrs.length > 0) node.xattrs = members.xattrs
  if (members.symlink !== undefined) node.symlink = members.symlink
  if (members.hardLinked) node.hardLinked = true
  const children = members.children ?? (isDirectory(node) ? new Map<ByteName, Node>() : undefined)
  if (children !== undefined) node.children = children
  return node
}

/** Gives `to` all members of `from` but its children and its number: spreading a node misses what is on its prototype. */
export function copyMembers(from: Node, to: Node): void {
  Object.assign(to, {
    mode: from.mode,
    uid: from.uid,
    gid: from.gid,
    rdev: from.rdev,
    size: from.size,
    mtime: from.mtime,
    mtimeNsec: from.mtimeNsec,
    xattrs: from.xattrs,
    symlink: from.symlink,
    chunkStart: from.chunkStart,
    chunkCount: from.chunkCount,
    hardLinked: from.hardLinked,
  })
}

/** Tells whether the node is a directory. */
export function isDirectory(node: Node): boolean {
  return (node.mode & S_IFMT) === FILE_TYPE.DIRECTORY
}

/** Tells whether the node is a regular file. */
export function isRegular(node: Node): boolean {
  return (node.mode & S_IFMT) === FILE_TYPE.REGULAR
}

/** Tells whether the node is a symbolic link. */
export function isSymlink(node: Node): boolean {
  return (node.mode & S_IFMT) === FILE_TYPE.SYMLINK
}

/** The children of a directory in bytewise order of their names; nothing for other nodes. */
export function sortedChildren(node: Node): [ByteName, Node][] {
  if (node.children === undefined) return []
  return [...node.children].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}
