// SPDX-License-Identifier: Apache-2.0
/** Lists a real directory tree: every attribute that an image carries. */
import { createHash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs'
import { readXattrs } from './read-xattrs.ts'

/** One file. Byte strings are Latin-1 text, one character a byte, so that names that are not UTF-8 survive. */
export interface ScannedFile {
  /** Relative to the scanned directory, '' for itself, components separated by `/`. */
  readonly path: string
  /** Type and permission bits, as `lstat` gives them. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint
  /** Bytes; of regular files only. */
  readonly size?: number
  /** SHA-256 of a regular file, hex. */
  readonly sha256?: string
  readonly nlink?: number
  /** The first path in this tree that is the same inode, when it is another path. */
  readonly sameAs?: string
  readonly target?: string
  readonly rdev?: bigint
  /** Name → value in base64. */
  readonly xattrs: Readonly<Record<string, string>>
}

const S_IFMT = 0o170000
const PIECE = Buffer.allocUnsafe(1 << 20)

/** Scans everything below `directory`, itself included, sorted by bytes of the path's components. */
export function scanTree(directory: string): Map<string, ScannedFile> {
  const found = new Map<string, ScannedFile>()
  const inodes = new Map<string, string>()
  const visit = (path: string) => {
    const full = Buffer.from(
      path === '' ? directory : `${latin1(directory)}/${path}`,
      path === '' ? 'utf8' : 'latin1',
    )
    const stat = lstatSync(full, { bigint: true })
    found.set(path, describe(full, path, stat, inodes))
    if (!stat.isDirectory()) return
    const names = readdirSync(full, { encoding: 'buffer' }).map((name) => name.toString('latin1'))
    for (const name of names.sort()) visit(path === '' ? name : `${path}/${name}`)
  }
  visit('')
  return found
}

function describe(full: Buffer, path: string, stat: BigIntStats, inodes: Map<string, string>): ScannedFile {
  const common = {
    path,
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeNs: stat.mtimeNs,
    xattrs: readXattrs(full),
  }
  if (stat.isDirectory()) return common
  const first = firstPath(path, stat, inodes)
  const linked = { ...common, nlink: Number(stat.nlink), ...(first === path ? {} : { sameAs: first }) }
  if (stat.isSymbolicLink())
    return { ...linked, target: readlinkSync(full, { encoding: 'buffer' }).toString('latin1') }
  if (stat.isFile()) return { ...linked, size: Number(stat.size), sha256: sha256OfFile(full) }
  return (Number(stat.mode) & S_IFMT) === 0o010000 ? linked : { ...linked, rdev: stat.rdev }
}

function firstPath(path: string, stat: BigIntStats, inodes: Map<string, string>): string {
  const inode = `${stat.dev}:${stat.ino}`
  const first = inodes.get(inode)
  if (first === undefined) inodes.set(inode, path)
  return first ?? path
}

function sha256OfFile(full: Buffer): string {
  const sha256 = createHash('sha256')
  const file = openSync(full, 'r')
  try {
    for (;;) {
      const length = readSync(file, PIECE, 0, PIECE.length, null)
      if (length === 0) return sha256.digest('hex')
      sha256.update(PIECE.subarray(0, length))
    }
  } finally {
    closeSync(file)
  }
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
