// SPDX-License-Identifier: Apache-2.0
/** What our reader says about a bootstrap, in the form of the fixtures' listings (without content hashes). */
import { compareBytes } from '@nydus/base/binary'
import {
  type Bootstrap,
  FILE_TYPE,
  type Inode,
  readSymlink,
  readXattrs,
  S_IFMT,
  type TreeEntry,
  walkTree,
} from '../src/index.ts'
import type { ListingLine } from './golden.ts'

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [FILE_TYPE.REGULAR]: 'reg',
  [FILE_TYPE.DIRECTORY]: 'dir',
  [FILE_TYPE.SYMLINK]: 'lnk',
  [FILE_TYPE.CHAR_DEVICE]: 'chr',
  [FILE_TYPE.BLOCK_DEVICE]: 'blk',
  [FILE_TYPE.FIFO]: 'fifo',
  [FILE_TYPE.SOCKET]: 'sock',
}

/** The listing of a bootstrap by path. */
export function listingOf(bootstrap: Bootstrap): Map<string, ListingLine> {
  const entries = [...walkTree(bootstrap)].sort((a, b) => comparePaths(a.path, b.path))
  const firstPath = new Map<number, string>()
  return new Map(
    entries.map((entry) => {
      const path = pathKey(entry.path)
      const first = firstPath.get(entry.inode.nid)
      if (first === undefined) firstPath.set(entry.inode.nid, path)
      return [path, { ...line(bootstrap, entry), ...(first !== undefined && { same_inode_as: first }) }]
    }),
  )
}

function line(bootstrap: Bootstrap, { inode }: TreeEntry): ListingLine {
  const type = inode.mode & S_IFMT
  const xattrs = readXattrs(bootstrap, inode.nid)
  return {
    type: TYPE_NAMES[type],
    mode: (inode.mode & 0xfff).toString(8).padStart(4, '0'),
    uid: inode.uid,
    gid: inode.gid,
    mtime: inode.mtime,
    mtime_ns: inode.mtimeNsec,
    nlink: inode.nlink,
    ...(type === FILE_TYPE.REGULAR && { size: inode.size }),
    ...(type === FILE_TYPE.SYMLINK && {
      size: inode.size,
      ...textOrBase64('target', readSymlink(bootstrap, inode.nid)),
    }),
    ...((type === FILE_TYPE.CHAR_DEVICE || type === FILE_TYPE.BLOCK_DEVICE) && { rdev: deviceText(inode) }),
    ...(xattrs.length > 0 && {
      xattrs: Object.fromEntries(xattrs.map(({ name, value }) => [latin1(name), base64(value)])),
    }),
  }
}

function deviceText({ rdev }: Inode): string {
  const major = (rdev >>> 8) & 0xfff
  const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
  return `${major}:${minor}`
}

function pathKey(path: readonly Uint8Array[]): string {
  if (path.length === 0) return '.'
  const bytes = Buffer.concat(path.flatMap((name, i) => (i === 0 ? [name] : [Buffer.from('/'), name])))
  return isUtf8(bytes) ? bytes.toString('utf8') : `base64:${base64(bytes)}`
}

function textOrBase64(name: string, bytes: Uint8Array): Record<string, string> {
  return isUtf8(bytes) ? { [name]: Buffer.from(bytes).toString('utf8') } : { [`${name}_b64`]: base64(bytes) }
}

function comparePaths(a: readonly Uint8Array[], b: readonly Uint8Array[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareBytes(a[i] as Uint8Array, b[i] as Uint8Array)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.from(Buffer.from(bytes).toString('utf8'), 'utf8').equals(bytes)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
