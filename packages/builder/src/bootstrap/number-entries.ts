// SPDX-License-Identifier: Apache-2.0
/** Numbers all entries of a tree: the order in which files are stored and inodes are numbered, in every version. */
import { type ByteName, type Node, sortedChildren } from '../tree/node.ts'

/** A numbered directory. */
export interface NumberedDirectory {
  readonly node: Node
  /** Entry number of the directory and of its parent; the root is its own parent. */
  readonly number: number
  readonly parent: number
  /** Entry number of the first child; children have consecutive numbers in bytewise order of their names. */
  readonly firstChild: number
  readonly childCount: number
}

/**
 * The entries, numbered from 0 (the root): the children of a directory follow each other, then each child directory's
 * children in turn, depth first. A hard link has a number and a name of its own.
 */
export interface EntryNumbers<Directory extends NumberedDirectory = NumberedDirectory> {
  readonly names: readonly ByteName[]
  readonly nodes: readonly Node[]
  /** Depth first, a directory before those in it. */
  readonly directories: readonly Directory[]
  /** By inode number: how many entries refer to the inode; directories count `.`, `..` and their name. */
  readonly nlinks: ArrayLike<number>
}

interface Pending {
  readonly node: Node
  readonly number: number
  readonly parent: number
}

/** Sets `ino` of every node: the number of its first entry + 1, so that the root is 1. */
export function numberEntries(root: Node): EntryNumbers {
  const lists = new EntryLists(countEntries(root))
  const { names, nodes, nlinks } = lists
  const directories: NumberedDirectory[] = []
  lists.add('', root)
  const pending: Pending[] = [{ node: root, number: 0, parent: 0 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, number, parent } = next
    const firstChild = lists.length
    const subdirectories: Pending[] = []
    for (const [name, child] of sortedChildren(node)) {
      const childNumber = lists.length
      lists.add(name, child)
      if (child.children === undefined) continue
      subdirectories.push({ node: child, number: childNumber, parent: number })
    }
    directories.push({ node, number, parent, firstChild, childCount: lists.length - firstChild })
    nlinks[node.ino] = 2 + subdirectories.length
    while (subdirectories.length > 0) pending.push(subdirectories.pop() as Pending)
  }
  return { names, nodes, directories, nlinks }
}

/** Entries of a tree, the root among them. */
function countEntries(root: Node): number {
  let count = 1
  const pending = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    count += node.children?.size ?? 0
    for (const child of node.children?.values() ?? []) if (child.children !== undefined) pending.push(child)
  }
  return count
}

/** Lists of their final length: growing ones leave a multiple of it to the garbage collector. */
class EntryLists {
  readonly names: ByteName[]
  readonly nodes: Node[]
  readonly nlinks: Uint32Array
  length = 0

  constructor(count: number) {
    this.names = new Array(count)
    this.nodes = new Array(count)
    this.nlinks = new Uint32Array(count + 1)
  }

  add(name: ByteName, node: Node): void {
    const number = this.length
    this.length += 1
    this.names[number] = name
    this.nodes[number] = node
    const isKnown = node.ino > 0 && node.ino <= number && this.nodes[node.ino - 1] === node
    if (!isKnown) node.ino = number + 1
    this.nlinks[node.ino] = (this.nlinks[node.ino] as number) + 1
  }
}
