// SPDX-License-Identifier: Apache-2.0
/**
 * Data of directories and symlinks, which lies inside the bootstrap.
 *
 *   flat-plain    all blocks at block address `union`
 *   flat-inline   whole blocks at block address `union`, the rest right behind inode and xattrs
 */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from '../bootstrap.ts'
import type { Inode } from './inode.ts'

/** Number of blocks of an inode's data, the last one may be partial. */
export function flatBlockCount(bootstrap: Bootstrap, inode: Inode): number {
  return Math.ceil(inode.size / bootstrap.blockSize)
}

/**
 * Block `index` of the data as a view, shorter than a block at the end.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when it leaves the bootstrap.
 */
export function flatBlock(bootstrap: Bootstrap, inode: Inode, index: number): Uint8Array {
  const { bytes, blockSize } = bootstrap
  const length = Math.min(blockSize, inode.size - index * blockSize)
  const inline = inode.layout === 'flat-inline' && length < blockSize
  const at = inline ? inode.tailOffset : (inode.union + index) * blockSize
  checkRange(at, length, bytes.length, `data of inode ${inode.nid}`)
  return bytes.subarray(at, at + length)
}

/**
 * Checks once that all data of `inode` lies inside the bootstrap, so that loops over its blocks are bounded.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when it does not, ERR_FORMAT_CORRUPT for a chunk-based inode.
 */
export function checkFlatData(bootstrap: Bootstrap, inode: Inode): void {
  if (inode.layout === 'chunk-based') {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `inode ${inode.nid}: data of mode 0${inode.mode.toString(8)} in chunks`,
      {
        details: { nid: inode.nid, mode: inode.mode },
      },
    )
  }
  const { blockSize, bytes } = bootstrap
  const tail = inode.layout === 'flat-inline' ? inode.size % blockSize : 0
  const blocks = inode.size - tail
  if (blocks > 0) checkRange(inode.union * blockSize, blocks, bytes.length, `data of inode ${inode.nid}`)
  checkRange(inode.tailOffset, tail, bytes.length, `data of inode ${inode.nid}`)
}
