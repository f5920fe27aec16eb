// SPDX-License-Identifier: Apache-2.0
/** Numbers all entries of a tree and gives every inode its place in a RAFS v6 bootstrap. */
import { alignUp } from '@nydus/base/binary'
import { direntsSize, xattrsSize } from '@nydus/rafs-format'
import { InodeExtended } from '@nydus/rafs-format/layout'
import { nameBytes } from '../tree/byte-name.ts'
import { type ByteName, isRegular, isSymlink, type Node, sortedChildren } from '../tree/node.ts'
import { type Placement, SpaceAllocator } from './space-allocator.ts'

/** A planned directory. */
export interface PlannedDirectory {
  readonly node: Node
  /** Entry number of the directory and of its parent; the root is its own parent. */
  readonly number: number
  readonly parent: number
  /** Entry number of the first child; children have consecutive numbers in bytewise order of their names. */
  readonly firstChild: number
  readonly childCount: number
  /** Bytes of its dirents. */
  readonly size: number
}

/**
 * The plan. Entries are numbered from 0 (the root): the children of a directory follow each other, then each child
 * directory's children in turn, depth first. A hard link has a number and a name of its own but its target's place.
 */
export interface LayoutPlan {
  readonly names: readonly ByteName[]
  readonly nodes: readonly Node[]
  readonly directories: readonly PlannedDirectory[]
  /** By entry number: bytes from the meta base. */
  readonly inodeOffsets: readonly number[]
  /** By entry number: see Placement; 0 for files and devices. */
  readonly dataOffsets: readonly number[]
  /** By entry number: true for directories and symlinks with inline data. */
  readonly inline: readonly boolean[]
  /** By inode number: how many entries refer to the inode; directories count `.`, `..` and their name. */
  readonly nlinks: readonly number[]
  /** Bytes from the meta base to the end of the inode area, a multiple of 4096. */
  readonly end: number
}

/** Bytes of an inode with its xattrs. */
export function inodeSize(node: Node): number {
  return InodeExtended.size + xattrsSize(node.xattrs)
}

/**
 * Sets `ino` of every node: the number of its first entry + 1, so that the root is 1.
 * @param blockSize of the file system in bytes.
 */
export function planLayout(root: Node, blockSize: number): LayoutPlan {
  const planner = new Planner(root, blockSize)
  const pending = [{ node: root, number: 0, parent: 0 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const subdirectories = planner.visit(next.node, next.number, next.parent)
    for (const child of subdirectories.reverse()) pending.push(child)
  }
  return planner.plan()
}

interface Visit {
  readonly node: Node
  readonly number: number
  readonly parent: number
}

class Planner {
  readonly #names: ByteName[] = ['']
  readonly #nodes: Node[]
  readonly #directories: PlannedDirectory[] = []
  readonly #inodeOffsets: number[] = [0]
  readonly #dataOffsets: number[] = [0]
  readonly #inline: boolean[] = [false]
  readonly #nlinks: number[] = [0, 2]
  readonly #space: SpaceAllocator
  readonly #blockSize: number

  constructor(root: Node, blockSize: number) {
    this.#nodes = [root]
    root.ino = 1
    this.#space = new SpaceAllocator(blockSize)
    this.#blockSize = blockSize
  }

  /** Places a directory, numbers its children and places those that are no directories. */
  visit(node: Node, number: number, parent: number): Visit[] {
    const children = sortedChildren(node)
    const size = directorySize(children, this.#blockSize)
    this.#setPlacement(number, this.#space.placeTailed(inodeSize(node), size))
    const firstChild = this.#nodes.length
    this.#directories.push({ node, number, parent, firstChild, childCount: children.length, size })
    const subdirectories: Visit[] = []
    for (const [name, child] of children) {
      const childNumber = this.#addEntry(name, child)
      if (child.children !== undefined)
        subdirectories.push({ node: child, number: childNumber, parent: number })
    }
    this.#nlinks[node.ino] = 2 + subdirectories.length
    return subdirectories
  }

  plan(): LayoutPlan {
    return {
      names: this.#names,
      nodes: this.#nodes,
      directories: this.#directories,
      inodeOffsets: this.#inodeOffsets,
      dataOffsets: this.#dataOffsets,
      inline: this.#inline,
      nlinks: this.#nlinks,
      end: alignUp(this.#space.end, 4096),
    }
  }

  #addEntry(name: ByteName, node: Node): number {
    const number = this.#nodes.length
    this.#names.push(name)
    this.#nodes.push(node)
    this.#nlinks.push(0)
    const first = node.ino - 1
    if (first < number && this.#nodes[first] === node) {
      this.#addLink(number, first)
      return number
    }
    node.ino = number + 1
    this.#nlinks[node.ino] = 1
    this.#setPlacement(number, this.#place(node))
    return number
  }

  #addLink(number: number, first: number): void {
    const placement = {
      inodeOffset: this.#inodeOffsets[first] as number,
      dataOffset: this.#dataOffsets[first] as number,
      inline: this.#inline[first] as boolean,
    }
    this.#setPlacement(number, placement)
    this.#nlinks[first + 1] = (this.#nlinks[first + 1] as number) + 1
  }

  /** Directories get a place when they are visited, not when they are numbered. */
  #place(node: Node): Placement {
    const nowhere = { inodeOffset: 0, dataOffset: 0, inline: false }
    if (node.children !== undefined) return nowhere
    const size = inodeSize(node)
    if (isSymlink(node)) return this.#space.placeTailed(size, node.size)
    if (isRegular(node)) return { ...nowhere, inodeOffset: this.#space.placeRegular(size, node.chunkCount) }
    return { ...nowhere, inodeOffset: this.#space.placeSpecial(size) }
  }

  #setPlacement(number: number, placement: Placement): void {
    this.#inodeOffsets[number] = placement.inodeOffset
    this.#dataOffsets[number] = placement.dataOffset
    this.#inline[number] = placement.inline
  }
}

const DOTS: readonly ByteName[] = ['.', '..']

function directorySize(children: readonly [ByteName, Node][], blockSize: number): number {
  const names = [...DOTS, ...children.map(([name]) => name)].sort(byName)
  return direntsSize(names.map(nameBytes), blockSize)
}

function byName(a: ByteName, b: ByteName): number {
  return a < b ? -1 : a > b ? 1 : 0
}
