// SPDX-License-Identifier: Apache-2.0
/** Directories of either version. */
import type { Bootstrap } from './bootstrap.ts'
import { lookupV5Entry, readV5Directory } from './v5/directory.ts'
import {
  type DirEntry,
  lookupEntry as lookupV6Entry,
  readDirectory as readV6Directory,
} from './v6/directory.ts'
import type { DirentValue } from './v6/dirents.ts'

/**
 * Entries in disk order, `.` and `..` included: v6 sorts them among the others, v5 stores none and gives them first.
 * @param fromCookie number of entries to leave out: 0, or the cookie of the last entry seen.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no directory or an entry is damaged, and what `readInode` throws;
 *   damage is found when the iteration reaches it.
 */
export function readDirectory(
  bootstrap: Bootstrap,
  nid: number,
  fromCookie = 0,
): Generator<DirEntry, void, undefined> {
  return bootstrap.fsVersion === 5
    ? readV5Directory(bootstrap, nid, fromCookie)
    : readV6Directory(bootstrap, nid, fromCookie)
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
  return bootstrap.fsVersion === 5
    ? lookupV5Entry(bootstrap, directoryNid, name)
    : lookupV6Entry(bootstrap, directoryNid, name)
}
