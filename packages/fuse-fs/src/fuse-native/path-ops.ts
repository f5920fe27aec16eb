// SPDX-License-Identifier: Apache-2.0
/** RAFS operations in the form of the `fuse-native` package: by path, with callbacks, in the main thread. */
import {
  type Bootstrap,
  type Inode,
  lookupEntry,
  readDirectory,
  readInode,
  readSymlink,
  readXattrs,
} from '@nydus/rafs-format'
import { type AttrRules, blocksOf, shownMode } from '../attr.ts'
import { ERRNO, errnoOf } from '../errno.ts'

const STAT_BLOCK_BYTES = 512
const BLOCK_BYTES = 4096
const NAME_MAX_BYTES = 255

/** What fuse-native takes for a stat; times are milliseconds since 1970. */
export interface NativeStat {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly nlink: number
  readonly ino: number
  readonly rdev: number
  readonly blksize: number
  readonly blocks: number
  readonly atime: number
  readonly mtime: number
  readonly ctime: number
}

/** A callback takes 0 or −errno first. */
type Done<T extends readonly unknown[]> = (error: number, ...results: Partial<T>) => void

/** The operations that fuse-native calls. */
export interface NativeOps {
  getattr(path: string, done: Done<[NativeStat]>): void
  readdir(path: string, done: Done<[readonly string[]]>): void
  readlink(path: string, done: Done<[string]>): void
  open(path: string, flags: number, done: Done<[number]>): void
  read(
    path: string,
    nid: number,
    target: Uint8Array,
    length: number,
    offset: number,
    done: Done<[number]>,
  ): void
  getxattr(path: string, name: string, position: number, done: Done<[Buffer]>): void
  listxattr(path: string, done: Done<[readonly string[]]>): void
  statfs(path: string, done: Done<[Readonly<Record<string, number>>]>): void
}

/** What the operations answer from. */
export interface PathOpsOptions {
  readonly bootstrap: Bootstrap
  readonly rules: AttrRules
  /** Reads bytes of a regular file from `offset` on into `target`; resolves with their count. */
  readonly readFile: (nid: number, offset: number, target: Uint8Array) => Promise<number>
  /** An operation is asked for. */
  onRequest(): void
  /** An operation failed because something is damaged or cannot be had. */
  onFailure(operation: string, nid: number, error: unknown): void
}

class NotFound extends Error {}

/** The operations over a bootstrap. */
export function createPathOps({ bootstrap, rules, readFile, ...on }: PathOpsOptions): NativeOps {
  function inodeAt(path: string): Inode {
    const names = path.split('/').filter((name) => name !== '')
    const nid = names.reduce((parent, name) => {
      const entry = lookupEntry(bootstrap, parent, Buffer.from(name))
      if (entry === undefined) throw new NotFound()
      return entry.nid
    }, bootstrap.rootNid)
    return readInode(bootstrap, nid)
  }

  /** Runs an operation and answers with its result or an errno. */
  function answer<T>(operation: string, path: string, done: Done<[T]>, run: (inode: Inode) => T): void {
    on.onRequest()
    let result: T
    try {
      result = run(inodeAt(path))
    } catch (error) {
      const isMissing = error instanceof NotFound
      if (!isMissing) on.onFailure(operation, bootstrap.rootNid, error)
      done(isMissing ? -ERRNO.ENOENT : -errnoOf(error))
      return
    }
    done(0, result)
  }

  return {
    getattr: (path, done) => answer('getattr', path, done, (inode) => statOf(inode, rules)),
    readdir: (path, done) => answer('readdir', path, done, ({ nid }) => namesOf(bootstrap, nid)),
    readlink: (path, done) => answer('readlink', path, done, ({ nid }) => text(readSymlink(bootstrap, nid))),
    open: (path, _flags, done) => answer('open', path, done, ({ nid }) => nid),
    listxattr: (path, done) =>
      answer('listxattr', path, done, ({ nid }) => readXattrs(bootstrap, nid).map(({ name }) => text(name))),
    statfs: (_path, done) => done(0, statfsOf(bootstrap)),

    getxattr(path, name, _position, done) {
      const wanted = Buffer.from(name)
      const find = ({ nid }: Inode) =>
        readXattrs(bootstrap, nid).find((xattr) => wanted.equals(xattr.name))?.value
      answer(
        'getxattr',
        path,
        (error, value) => done(error, value === undefined ? undefined : Buffer.from(value)),
        find,
      )
    },

    read(_path, nid, target, length, offset, done) {
      on.onRequest()
      readFile(nid, offset, target.subarray(0, length)).then(
        (count) => done(count),
        (error: unknown) => {
          on.onFailure('read', nid, error)
          done(-errnoOf(error))
        },
      )
    },
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

function namesOf(bootstrap: Bootstrap, nid: number): readonly string[] {
  return [...readDirectory(bootstrap, nid)]
    .map(({ name }) => text(name))
    .filter((name) => name !== '.' && name !== '..')
}

function statfsOf(bootstrap: Bootstrap): Readonly<Record<string, number>> {
  return {
    bsize: STAT_BLOCK_BYTES,
    frsize: STAT_BLOCK_BYTES,
    files: bootstrap.inodeCount,
    namemax: NAME_MAX_BYTES,
  }
}

/** fuse-native stores times as unsigned numbers: those before 1970 become 1970. */
function statOf(inode: Inode, rules: AttrRules): NativeStat {
  const isUndated = rules.compat !== undefined && inode.mtime === 0
  const seconds = isUndated ? rules.compat.mountTime : inode.mtime
  const milliseconds = Math.max(0, seconds * 1000 + Math.floor(inode.mtimeNsec / 1e6))
  const { uid, gid } = rules.compat?.owner ?? inode
  return {
    ...{
      mode: shownMode(inode, rules),
      uid,
      gid,
      size: inode.size,
      nlink: inode.nlink,
      ino: inode.nid,
      rdev: inode.rdev,
    },
    ...{ blksize: BLOCK_BYTES, blocks: blocksOf(inode) },
    ...{ atime: milliseconds, mtime: milliseconds, ctime: milliseconds },
  }
}
