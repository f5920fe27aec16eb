// SPDX-License-Identifier: Apache-2.0
/** Gives every inode of a tree its number, its size and its place in a RAFS v5 bootstrap. */
import { alignUp } from '@nydus/base/binary'
import { v5InodeSize } from '@nydus/rafs-format'
import { isDirectory, isRegular, type Node } from '../tree/node.ts'
import { type EntryNumbers, numberEntries } from './number-entries.ts'

/** The plan; entries have records of their own, hard links as well. */
export interface V5Plan extends EntryNumbers {
  /** By entry number: the inode number of the directory that holds it; 0 for the root. */
  readonly parents: Uint32Array
  /** By entry number: bytes from the first record. */
  readonly offsets: Float64Array
  /** Entry numbers in the order of the records: depth first, a directory before what is in it. */
  readonly order: Uint32Array
  /** Inodes: a hard-linked file counts once. */
  readonly inodeCount: number
  /** Bytes of all records. */
  readonly size: number
}

/** What a name adds to the size of its directory besides its own bytes. */
const ENTRY_BYTES = 8
const DIRECTORY_BLOCK = 4096

/** Plans a tree; see `numberEntries`. */
export function planV5(root: Node): V5Plan {
  const numbers = numberEntries(root)
  const { nodes } = numbers
  const { order, parents } = orderRecords(numbers)
  const offsets = new Float64Array(nodes.length)
  let size = 0
  let inodeCount = 0
  for (const number of order) {
    const node = nodes[number] as Node
    offsets[number] = size
    size += recordSize(node, numbers.names[number] as string)
    if (inoOf(node, number) === number + 1) inodeCount += 1
  }
  return { ...numbers, parents, order, offsets, inodeCount, size }
}

/** The inode number of an entry. Only regular files are shared: links to other inodes become copies. */
export function inoOf(node: Node, number: number): number {
  return isRegular(node) ? node.ino : number + 1
}

/** Bytes of a directory as RAFS v5 counts them: taken over where the tree knows, else from the names in it. */
export function v5DirectorySize(node: Node): number {
  if (node.size > 0) return node.size
  let size = 0
  for (const name of node.children?.keys() ?? []) size += name.length + ENTRY_BYTES
  return alignUp(Math.max(size, 1), DIRECTORY_BLOCK)
}

/** Notes the sizes of all directories, before others are merged in: they keep the size that they had in their layer. */
export function setDirectorySizes(root: Node): void {
  const pending = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    node.size = v5DirectorySize(node)
    for (const child of node.children?.values() ?? []) if (isDirectory(child)) pending.push(child)
  }
}

function orderRecords({ nodes, directories }: EntryNumbers): { order: Uint32Array; parents: Uint32Array } {
  const order = new Uint32Array(nodes.length)
  const parents = new Uint32Array(nodes.length)
  let at = 1
  let nextDirectory = 0
  const stack: { number: number; readonly end: number; readonly ino: number }[] = []
  const open = () => {
    // Directories are listed depth first too, so each is the next of the list when its turn comes.
    const { node, firstChild, childCount } = directories[nextDirectory] as EntryNumbers['directories'][number]
    nextDirectory += 1
    stack.push({ number: firstChild, end: firstChild + childCount, ino: node.ino })
  }
  open()
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    if (level.number === level.end) {
      stack.pop()
      continue
    }
    const number = level.number++
    order[at++] = number
    parents[number] = level.ino
    if (nodes[number]?.children !== undefined) open()
  }
  return { order, parents }
}

function recordSize(node: Node, name: string): number {
  return v5InodeSize({
    name: { length: Math.max(name.length, 1) },
    xattrs: node.xattrs,
    chunkCount: node.chunkCount,
    ...(node.symlink && { symlink: node.symlink }),
  })
}
