// SPDX-License-Identifier: Apache-2.0
/** `inspect ls`: what a directory of an image holds. */
import {
  type Bootstrap,
  bytesText,
  FILE_TYPE,
  type Inode,
  isDirectoryMode,
  isDotName,
  pathText,
  readDirectory,
  readInode,
  readSymlink,
  readXattrs,
  walkTree,
} from '@nydus/rafs-format'
import { type FoundPath, typeOf } from './find-path.ts'

/** One path, for people and programs. */
export interface ListedPath {
  /** Absolute; bytes that are no UTF-8 text as `\xNN`. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket'
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
  readonly nlink: number
  /** Of symlinks. */
  readonly target?: string
  /** Of devices. */
  readonly rdev?: number
  /** Names only. */
  readonly xattrs?: readonly string[]
}

const TYPE_NAMES: ReadonlyMap<number, ListedPath['type']> = new Map([
  [FILE_TYPE.REGULAR, 'file'],
  [FILE_TYPE.DIRECTORY, 'directory'],
  [FILE_TYPE.SYMLINK, 'symlink'],
  [FILE_TYPE.CHAR_DEVICE, 'char'],
  [FILE_TYPE.BLOCK_DEVICE, 'block'],
  [FILE_TYPE.FIFO, 'fifo'],
  [FILE_TYPE.SOCKET, 'socket'],
])
const PERMISSION_BITS = 0o7777

/**
 * The entries of a directory in bytewise order, or the path itself when it is none.
 * @param recursive everything below as well.
 * @throws {FormatError} for a damaged bootstrap.
 */
export function* listPath(bootstrap: Bootstrap, found: FoundPath, recursive: boolean): Generator<ListedPath> {
  const { path, inode } = found
  if (!isDirectoryMode(inode.mode)) yield describePath(bootstrap, path, inode)
  else if (recursive) yield* listBelow(bootstrap, found)
  else {
    for (const { name, nid } of readDirectory(bootstrap, inode.nid)) {
      if (!isDotName(name)) yield describePath(bootstrap, [...path, name], readInode(bootstrap, nid))
    }
  }
}

function* listBelow(bootstrap: Bootstrap, { inode }: FoundPath): Generator<ListedPath> {
  for (const entry of walkBelow(bootstrap, inode.nid)) yield describePath(bootstrap, entry.path, entry.inode)
}

/** Every path below a directory, in the bounds of `walkTree`. */
export function* walkBelow(bootstrap: Bootstrap, directoryNid: number) {
  const inside = new Set([directoryNid])
  for (const entry of walkTree(bootstrap)) {
    if (entry.path.length === 0 || !inside.has(entry.parentNid)) continue
    if (isDirectoryMode(entry.inode.mode)) inside.add(entry.inode.nid)
    yield entry
  }
}

/** All members of one path. */
export function describePath(bootstrap: Bootstrap, path: readonly Uint8Array[], inode: Inode): ListedPath {
  const { mode, uid, gid, size, mtime, nlink, rdev } = inode
  const type = TYPE_NAMES.get(typeOf(inode)) ?? 'file'
  const xattrs =
    inode.xattrSize > 0 ? readXattrs(bootstrap, inode.nid).map(({ name }) => bytesText(name)) : []
  return {
    path: pathText(path),
    type,
    mode: mode & PERMISSION_BITS,
    ...{ uid, gid, size, mtime, nlink },
    ...(type === 'symlink' && { target: bytesText(readSymlink(bootstrap, inode.nid)) }),
    ...((type === 'char' || type === 'block') && { rdev }),
    ...(xattrs.length > 0 && { xattrs }),
  }
}
