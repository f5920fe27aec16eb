// SPDX-License-Identifier: Apache-2.0
/** Reading directories: iteration in disk order and lookup by binary search. The picture is in dirents.ts. */
import { compareBytes, equalBytes } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from '../bootstrap.ts'
import { asciiBytes } from '../byte-text.ts'
import { Dirent } from '../layout/erofs.ts'
import { type DirentValue, MAX_NAME_BYTES } from './dirents.ts'
import { checkFlatData, flatBlock, flatBlockCount } from './flat-data.ts'
import { type Inode, isDirectoryMode, readInode } from './inode.ts'

/** An entry of a directory. The name is a view into the bootstrap. */
export interface DirEntry extends DirentValue {
  /** Ordinal of the entry + 1: pass it as `fromCookie` to go on behind this entry. */
  readonly cookie: number
}

const SLASH = 0x2f
/** The one file of a bootstrap that `nydus-image chunkdict generate` wrote: its path instead of its name. */
const CHUNK_DICT_NAME = asciiBytes('/chunkdict')
const NUL = 0

/**
 * Entries in disk order, `.` and `..` included.
 * @param fromCookie number of entries to leave out: 0, or the cookie of the last entry seen.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no directory or a block is damaged, and what `readInode` throws;
 *   damage is found when the iteration reaches it.
 */
export function* readDirectory(
  bootstrap: Bootstrap,
  nid: number,
  fromCookie = 0,
): Generator<DirEntry, void, undefined> {
  const inode = readDirectoryInode(bootstrap, nid)
  const blocks = flatBlockCount(bootstrap, inode)
  let ordinal = 0
  for (let index = 0; index < blocks; index++) {
    const block = flatBlock(bootstrap, inode, index)
    const count = entryCount(block, inode)
    if (ordinal + count <= fromCookie) {
      ordinal += count
      continue
    }
    for (let i = 0; i < count; i++) {
      ordinal++
      if (ordinal > fromCookie) yield { ...readEntry(block, i, count, inode), cookie: ordinal }
    }
  }
}

/**
 * The entry of `name`, if the directory has one.
 * @throws {FormatError} like `readDirectory`.
 */
export function lookupEntry(
  bootstrap: Bootstrap,
  directoryNid: number,
  name: Uint8Array,
): DirentValue | undefined {
  const inode = readDirectoryInode(bootstrap, directoryNid)
  const index = lastBlockNotBehind(bootstrap, inode, name)
  if (index < 0) return undefined
  const block = flatBlock(bootstrap, inode, index)
  const count = entryCount(block, inode)
  let low = 0
  let high = count - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const order = compareBytes(readName(block, middle, count, inode), name)
    if (order === 0) return readEntry(block, middle, count, inode)
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return undefined
}

function readDirectoryInode(bootstrap: Bootstrap, nid: number): Inode {
  const inode = readInode(bootstrap, nid)
  if (!isDirectoryMode(inode.mode)) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `inode ${nid} is no directory but has mode 0${inode.mode.toString(8)}`,
      {
        details: { nid, mode: inode.mode },
      },
    )
  }
  checkFlatData(bootstrap, inode)
  return inode
}

/** Blocks are sorted by their first names. −1 when `name` sorts before the first. */
function lastBlockNotBehind(bootstrap: Bootstrap, inode: Inode, name: Uint8Array): number {
  let low = 0
  let high = flatBlockCount(bootstrap, inode) - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const block = flatBlock(bootstrap, inode, middle)
    if (compareBytes(readName(block, 0, entryCount(block, inode), inode), name) <= 0) low = middle + 1
    else high = middle - 1
  }
  return high
}

/** The first name starts where the dirents end. */
function entryCount(block: Uint8Array, inode: Inode): number {
  const firstName = Dirent.view(block).nameOffset
  if (firstName >= Dirent.size && firstName % Dirent.size === 0 && firstName < block.length)
    return firstName / Dirent.size
  throw damaged(inode, block, `first name at ${firstName}`)
}

function readEntry(block: Uint8Array, i: number, count: number, inode: Inode): DirentValue {
  const { nid, fileType } = Dirent.view(block, i * Dirent.size)
  return { name: readName(block, i, count, inode), nid, fileType }
}

function readName(block: Uint8Array, i: number, count: number, inode: Inode): Uint8Array {
  const start = Dirent.view(block, i * Dirent.size).nameOffset
  const last = i === count - 1
  const end = last ? block.length : Dirent.view(block, (i + 1) * Dirent.size).nameOffset
  if (start < count * Dirent.size || end > block.length || end <= start)
    throw damaged(inode, block, `name ${i} at ${start}..${end}`)
  const name = last ? untilNul(block.subarray(start, end)) : block.subarray(start, end)
  checkName(name, inode, block)
  return name
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(NUL)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

function checkName(name: Uint8Array, inode: Inode, block: Uint8Array): void {
  if (name.length === 0 || name.length > MAX_NAME_BYTES)
    throw damaged(inode, block, `name of ${name.length} bytes`)
  const forbidden = name.includes(NUL) || (name.includes(SLASH) && !equalBytes(name, CHUNK_DICT_NAME))
  if (forbidden) throw damaged(inode, block, 'name with a slash or NUL byte')
}

function damaged(inode: Inode, block: Uint8Array, what: string): FormatError {
  return new FormatError(
    'ERR_FORMAT_CORRUPT',
    `directory ${inode.nid}: ${what} in a block of ${block.length} bytes`,
    {
      details: { nid: inode.nid },
    },
  )
}
