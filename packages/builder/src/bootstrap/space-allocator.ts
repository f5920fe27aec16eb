// SPDX-License-Identifier: Apache-2.0
/**
 * Places inodes and their data in the inode area of a RAFS v6 bootstrap. The rules decide where every byte goes, so
 * they must not change: other builders give the same bytes for the same tree.
 *
 *   an inode with inline data never crosses a block:   | … | inode xattrs data | …
 *   gaps at the ends of blocks are remembered in 32-byte steps and filled, oldest first, by what comes later.
 */
import { alignUp } from '@nydus/base/binary'
import { EROFS_SLOT_BYTES } from '@nydus/rafs-format/layout'

/** Where an inode and its data are, in bytes from the meta base. */
export interface Placement {
  /** Of the inode. */
  readonly inodeOffset: number
  /** Of the data that is not inline; the allocation cursor when all of it is inline. */
  readonly dataOffset: number
  /** True if the last partial block of the data follows the inode and its xattrs. */
  readonly inline: boolean
}

/** First in, first out, of block start offsets. */
interface Gaps {
  readonly blocks: number[]
  head: number
}

/** Hands out space from one block behind the meta base on; nid 0 stays unused. */
export class SpaceAllocator {
  readonly #blockSize: number
  /** Index i: blocks with i × 32 free bytes at their end. */
  readonly #gaps: readonly Gaps[]
  #cursor: number

  /** @param blockSize bytes, a power of two ≥ 512. */
  constructor(blockSize: number) {
    this.#blockSize = blockSize
    this.#gaps = Array.from({ length: blockSize / EROFS_SLOT_BYTES }, () => ({ blocks: [], head: 0 }))
    this.#cursor = 4096
  }

  /** End of the space handed out, in bytes from the meta base. */
  get end(): number {
    return this.#cursor
  }

  /**
   * A directory or a symlink.
   * @param inodeSize bytes of the inode and its xattrs.
   * @param dataSize bytes of the dirents or of the target.
   */
  placeTailed(inodeSize: number, dataSize: number): Placement {
    const tail = dataSize % this.#blockSize
    const inline = tail !== 0 && inodeSize + tail <= this.#blockSize
    const placement = inline
      ? this.#placeInline(inodeSize, dataSize, tail)
      : this.#placePlain(inodeSize, dataSize)
    this.#align(EROFS_SLOT_BYTES)
    return placement
  }

  /**
   * A regular file: the chunk index array follows the inode.
   * @returns the inode's offset.
   */
  placeRegular(inodeSize: number, chunkCount: number): number {
    const size = alignUp(inodeSize, 8) + 8 * chunkCount
    const inodeOffset = this.#take(size) ?? this.#append(size)
    this.#align(EROFS_SLOT_BYTES)
    return inodeOffset
  }

  /** A device, FIFO or socket. @returns the inode's offset. */
  placeSpecial(inodeSize: number): number {
    const inodeOffset = this.#append(inodeSize)
    this.#align(EROFS_SLOT_BYTES)
    return inodeOffset
  }

  #placeInline(inodeSize: number, dataSize: number, tail: number): Placement {
    let inodeOffset = this.#take(inodeSize + tail)
    if (inodeOffset === undefined) {
      if (this.#blockSize - (this.#cursor % this.#blockSize) < inodeSize + tail) this.#nextBlock()
      inodeOffset = this.#append(inodeSize + tail)
    }
    if (dataSize !== tail) this.#nextBlock()
    return { inodeOffset, dataOffset: this.#append(dataSize - tail), inline: true }
  }

  #placePlain(inodeSize: number, dataSize: number): Placement {
    const inodeOffset = this.#take(inodeSize) ?? this.#append(inodeSize)
    this.#nextBlock()
    const dataOffset = this.#append(dataSize)
    this.#align(this.#blockSize)
    return { inodeOffset, dataOffset, inline: false }
  }

  #append(size: number): number {
    const offset = this.#cursor
    this.#cursor += size
    return offset
  }

  #align(alignment: number): void {
    this.#cursor = alignUp(this.#cursor, alignment)
  }

  /** Goes to the next block, remembering the gap at the end of this one. */
  #nextBlock(): void {
    this.#remember(this.#cursor)
    this.#align(this.#blockSize)
  }

  /** Remembers the gap from `offset` to the end of its block. */
  #remember(offset: number): void {
    const used = offset % this.#blockSize
    if (used === 0) return
    const steps = Math.floor((this.#blockSize - used) / EROFS_SLOT_BYTES)
    this.#gaps[steps]?.blocks.push(offset - used)
  }

  /** The smallest remembered gap that holds `size` bytes. @returns its offset, undefined when there is none. */
  #take(size: number): number | undefined {
    if (size >= this.#blockSize) return undefined
    const wanted = Math.ceil(size / EROFS_SLOT_BYTES)
    for (let steps = wanted; steps < this.#gaps.length; steps++) {
      const gaps = this.#gaps[steps] as Gaps
      const block = gaps.blocks[gaps.head]
      if (block === undefined) continue
      gaps.head += 1
      const offset = block + this.#blockSize - steps * EROFS_SLOT_BYTES
      this.#remember(offset + wanted * EROFS_SLOT_BYTES)
      return offset
    }
    return undefined
  }
}
