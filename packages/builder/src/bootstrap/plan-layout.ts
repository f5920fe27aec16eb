// SPDX-License-Identifier: Apache-2.0
/** Gives every inode of a tree its place in a RAFS v6 bootstrap. */
import { alignUp } from '@nydus/base/binary'
import { direntsSize, xattrsSize } from '@nydus/rafs-format'
import { InodeExtended } from '@nydus/rafs-format/layout'
import { isRegular, isSymlink, type Node } from '../tree/node.ts'
import { dottedNames } from './dotted-names.ts'
import { type EntryNumbers, type NumberedDirectory, numberEntries } from './number-entries.ts'
import { type Placement, SpaceAllocator } from './space-allocator.ts'

/** A planned directory. */
export interface PlannedDirectory extends NumberedDirectory {
  /** Bytes of its dirents. */
  readonly size: number
}

/** The plan. A hard link has its target's place. */
export interface LayoutPlan extends EntryNumbers<PlannedDirectory> {
  /** By entry number: bytes from the meta base. */
  readonly inodeOffsets: ArrayLike<number>
  /** By entry number: see Placement; 0 for files and devices. */
  readonly dataOffsets: ArrayLike<number>
  /** By entry number: 1 for directories and symlinks with inline data, else 0. */
  readonly inline: ArrayLike<number>
  /** Bytes from the meta base to the end of the inode area, a multiple of 4096. */
  readonly end: number
}

/** Bytes of an inode with its xattrs. */
export function inodeSize(node: Node): number {
  return InodeExtended.size + xattrsSize(node.xattrs)
}

/**
 * Sets `ino` of every node as `numberEntries` does.
 * @param blockSize of the file system in bytes.
 */
export function planLayout(root: Node, blockSize: number): LayoutPlan {
  const numbers = numberEntries(root)
  const count = numbers.nodes.length
  // They wrap in a bootstrap above 4 GiB, which `end` shows: it cannot be written.
  const inodeOffsets = new Uint32Array(count)
  const dataOffsets = new Uint32Array(count)
  const inline = new Uint8Array(count)
  const space = new SpaceAllocator(blockSize)
  const setPlacement = (number: number, placement: Placement) => {
    inodeOffsets[number] = placement.inodeOffset
    dataOffsets[number] = placement.dataOffset
    inline[number] = placement.inline ? 1 : 0
  }
  const directories = numbers.directories.map((directory): PlannedDirectory => {
    const { node, number, firstChild, childCount } = directory
    const size = direntsSize(dottedNames(numbers.names, firstChild, childCount), blockSize)
    setPlacement(number, space.placeTailed(inodeSize(node), size))
    for (let child = firstChild; child < firstChild + childCount; child++) {
      placeChild(numbers.nodes[child] as Node, child)
    }
    return { ...directory, size }
  })
  return { ...numbers, directories, inodeOffsets, dataOffsets, inline, end: alignUp(space.end, 4096) }

  /** Directories get a place when it is their turn, not with their siblings. */
  function placeChild(node: Node, number: number): void {
    const first = node.ino - 1
    if (first !== number) {
      inodeOffsets[number] = inodeOffsets[first] as number
      dataOffsets[number] = dataOffsets[first] as number
      inline[number] = inline[first] as number
    } else if (isSymlink(node)) setPlacement(number, space.placeTailed(inodeSize(node), node.size))
    else if (isRegular(node)) inodeOffsets[number] = space.placeRegular(inodeSize(node), node.chunkCount)
    else if (node.children === undefined) inodeOffsets[number] = space.placeSpecial(inodeSize(node))
  }
}
