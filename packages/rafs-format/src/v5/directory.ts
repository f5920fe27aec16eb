// SPDX-License-Identifier: Apache-2.0
/** Reading directories of v5: children are a run of indices, sorted by name; `.` and `..` are not stored. */
import { compareBytes } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { V5Bootstrap } from '../bootstrap.ts'
import { asciiBytes } from '../byte-text.ts'
import { DIRENT_TYPE } from '../layout/erofs.ts'
import { V5_ROOT_INO } from '../layout/v5.ts'
import type { DirEntry } from '../v6/directory.ts'
import { type DirentValue, MAX_NAME_BYTES } from '../v6/dirents.ts'
import { direntTypeOf, isDirectoryMode } from '../v6/inode.ts'
import { readV5Inode, readV5Record, type V5Inode, v5InodeName } from './inode.ts'

const DOT = asciiBytes('.')
const DOT_DOT = asciiBytes('..')
const SLASH = 0x2f
const NUL = 0
/** `.` and `..`. */
const DOT_ENTRIES = 2

/**
 * `.`, `..` and then the children in order. A hard link has the nid of its group's first member.
 * @param fromCookie number of entries to leave out: 0, or the cookie of the last entry seen.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no directory or a name is damaged, and what `readV5Inode` throws.
 */
export function* readV5Directory(
  bootstrap: V5Bootstrap,
  nid: number,
  fromCookie = 0,
): Generator<DirEntry, void, undefined> {
  const directory = readDirectoryInode(bootstrap, nid)
  if (fromCookie < 1) yield { name: DOT, nid, fileType: DIRENT_TYPE.DIRECTORY, cookie: 1 }
  if (fromCookie < 2) yield { ...dotDot(directory), cookie: 2 }
  for (let i = Math.max(0, fromCookie - DOT_ENTRIES); i < directory.childCount; i++) {
    yield { ...entryOf(bootstrap, directory.childIndex + i), cookie: i + DOT_ENTRIES + 1 }
  }
}

/**
 * The entry of `name`, if the directory has one.
 * @throws {FormatError} like `readV5Directory`.
 */
export function lookupV5Entry(
  bootstrap: V5Bootstrap,
  directoryNid: number,
  name: Uint8Array,
): DirentValue | undefined {
  const directory = readDirectoryInode(bootstrap, directoryNid)
  if (compareBytes(name, DOT) === 0) return { name: DOT, nid: directoryNid, fileType: DIRENT_TYPE.DIRECTORY }
  if (compareBytes(name, DOT_DOT) === 0) return dotDot(directory)
  let low = directory.childIndex
  let high = low + directory.childCount - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const entry = entryOf(bootstrap, middle)
    const order = compareBytes(entry.name, name)
    if (order === 0) return entry
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return undefined
}

function readDirectoryInode(bootstrap: V5Bootstrap, nid: number): V5Inode {
  const inode = readV5Inode(bootstrap, nid)
  if (isDirectoryMode(inode.mode)) return inode
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `inode ${nid} is no directory but has mode 0${inode.mode.toString(8)}`,
    { details: { nid, mode: inode.mode } },
  )
}

/** The root is its own parent. */
function dotDot({ nid, parentIno }: V5Inode): DirentValue {
  return { name: DOT_DOT, nid: nid === V5_ROOT_INO ? nid : parentIno, fileType: DIRENT_TYPE.DIRECTORY }
}

function entryOf(bootstrap: V5Bootstrap, index: number): DirentValue {
  const record = readV5Record(bootstrap, index)
  const name = v5InodeName(bootstrap, record)
  if (name.length > MAX_NAME_BYTES || name.includes(SLASH) || name.includes(NUL)) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `inode ${index}: name of ${name.length} bytes is no file name`,
      {
        details: { index },
      },
    )
  }
  return { name, nid: record.ino, fileType: direntTypeOf(record.mode) }
}
