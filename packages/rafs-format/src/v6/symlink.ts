// SPDX-License-Identifier: Apache-2.0
/** Reading symlink targets. */
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from '../bootstrap.ts'
import { checkFlatData, flatBlock, flatBlockCount } from './flat-data.ts'
import { FILE_TYPE, type Inode, readInode, S_IFMT } from './inode.ts'

/** Longest target in bytes: Linux's PATH_MAX. */
export const MAX_SYMLINK_BYTES = 4096

/**
 * The target's bytes, a copy.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no symlink or its target is empty or too long, and what
 *   `readInode` throws.
 */
export function readSymlink(bootstrap: Bootstrap, nid: number): Uint8Array {
  const inode = readInode(bootstrap, nid)
  const isSymlink = (inode.mode & S_IFMT) === FILE_TYPE.SYMLINK
  if (!isSymlink || inode.size === 0 || inode.size > MAX_SYMLINK_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `inode ${nid} of mode 0${inode.mode.toString(8)} has no target but ${inode.size} bytes`,
      {
        details: { nid, mode: inode.mode, size: inode.size },
      },
    )
  }
  checkFlatData(bootstrap, inode)
  const target = new Uint8Array(inode.size)
  const blocks = flatBlockCount(bootstrap, inode)
  for (let i = 0; i < blocks; i++) target.set(flatBlock(bootstrap, inode, i), i * bootstrap.blockSize)
  return target.includes(0) ? (misplacedTarget(bootstrap, inode) ?? target) : target
}

/**
 * The original's tarfs builder writes a target of more than one block with an inline tail wholly behind its inode and leaves
 * zeros where its blocks belong. What was written next may have overwritten it; undefined when it did.
 */
function misplacedTarget({ bytes, blockSize }: Bootstrap, inode: Inode): Uint8Array | undefined {
  const { layout, size, tailOffset } = inode
  if (layout !== 'flat-inline' || size <= blockSize || tailOffset + size > bytes.length) return undefined
  const target = bytes.slice(tailOffset, tailOffset + size)
  return target.includes(0) ? undefined : target
}
