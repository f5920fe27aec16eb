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
  /** Linux 32-bit device number of device nodes, else 0. */
  rdev: number
  /** Bytes of a file, bytes of a symlink's target, 0 for others. */
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
  /** Inode number from 1, set by `planLayout`; meaningless before and for any other plan. */
  ino: number
  /** Entries of a directory by name, in no order; undefined for everything else. */
  children: Map<ByteName, Node> | undefined
}

const NO_XATTRS: readonly Xattr[] = []

/** A new node; members left out are 0 or empty. A directory gets an empty map of children. */
export function createNode(members: Partial<Node> & Pick<Node, 'mode'>): Node {
  return {
    mode: members.mode,
    uid: members.uid ?? 0,
    gid: members.gid ?? 0,
    rdev: members.rdev ?? 0,
    size: members.size ?? 0,
    mtime: members.mtime ?? 0,
    mtimeNsec: members.mtimeNsec ?? 0,
    xattrs: members.xattrs ?? NO_XATTRS,
    symlink: members.symlink,
    chunkStart: members.chunkStart ?? 0,
    chunkCount: members.chunkCount ?? 0,
    ino: 0,
    children: members.children ?? ((members.mode & S_IFMT) === FILE_TYPE.DIRECTORY ? new Map() : undefined),
  }
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
