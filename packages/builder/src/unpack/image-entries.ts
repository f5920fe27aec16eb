// SPDX-License-Identifier: Apache-2.0
/** The entries of an image as a tar has them: hard links instead of second paths, no sockets. */
import { equalBytes } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import {
  type Bootstrap,
  type ChunkInfo,
  FILE_TYPE,
  pathText,
  readFileChunks,
  readSymlink,
  readXattrs,
  S_IFMT,
  sortXattrs,
  type TreeEntry,
  walkTree,
  type Xattr,
} from '@nydus/rafs-format'
import { TAR_TYPE } from '../tar/layout.ts'
import { byteNameOfText, nameBytes } from '../tree/byte-name.ts'
import { LINK_TARGET_XATTR } from '../tree/hard-links.ts'
import { type OutputEntry, tarPath } from './tar-entry.ts'

/** An entry and what follows its header. */
export interface ImageEntry extends OutputEntry {
  /** In file order, covering the file; empty for everything but files. */
  readonly chunks: readonly ChunkInfo[]
}

const NO_CHUNKS: readonly ChunkInfo[] = []
const LINK_TARGET_NAME = nameBytes(byteNameOfText(LINK_TARGET_XATTR))
const TAR_TYPES: Readonly<Record<number, string>> = {
  [FILE_TYPE.REGULAR]: TAR_TYPE.FILE,
  [FILE_TYPE.DIRECTORY]: TAR_TYPE.DIRECTORY,
  [FILE_TYPE.SYMLINK]: TAR_TYPE.SYMLINK,
  [FILE_TYPE.CHAR_DEVICE]: TAR_TYPE.CHAR,
  [FILE_TYPE.BLOCK_DEVICE]: TAR_TYPE.BLOCK,
  [FILE_TYPE.FIFO]: TAR_TYPE.FIFO,
}

/**
 * All entries, the root first, directories before what is in them.
 * @param onSkipped hears of the paths that no tar can hold: sockets.
 * @throws {FormatError} for a damaged bootstrap, e.g. a file that its chunks do not cover.
 */
export function* imageEntries(
  bootstrap: Bootstrap,
  onSkipped: (path: string) => void,
): Generator<ImageEntry, void, undefined> {
  const links = new Map<number, Uint8Array>()
  for (const entry of walkTree(bootstrap)) {
    const { path, inode } = entry
    const type = TAR_TYPES[inode.mode & S_IFMT]
    if (type === undefined) {
      onSkipped(pathText(path))
      continue
    }
    const xattrs = inode.xattrSize > 0 ? sortXattrs(readXattrs(bootstrap, inode.nid)) : []
    const target = links.get(inode.nid) ?? deferredTarget(type, xattrs)
    yield target === undefined
      ? originalEntry(bootstrap, entry, type, xattrs)
      : { ...commonMembers(entry), type: TAR_TYPE.HARDLINK, size: 0, xattrs, target, chunks: NO_CHUNKS }
    if (inode.nlink > 1 && type !== TAR_TYPE.DIRECTORY && !links.has(inode.nid) && target === undefined)
      links.set(inode.nid, tarPath(path))
  }
}

function commonMembers({ path, inode }: TreeEntry) {
  const { mode, uid, gid, mtime, mtimeNsec } = inode
  return { path, mode: mode & 0o7777, uid, gid, mtime, mtimeNsec }
}

function originalEntry(
  bootstrap: Bootstrap,
  entry: TreeEntry,
  type: string,
  xattrs: readonly Xattr[],
): ImageEntry {
  const { nid, size, rdev } = entry.inode
  const members = { ...commonMembers(entry), type, xattrs }
  if (type === TAR_TYPE.FILE) {
    const chunks = readFileChunks(bootstrap, nid)
    checkCovered(entry, chunks)
    return { ...members, size, chunks }
  }
  const rest = { size: 0, chunks: NO_CHUNKS }
  if (type === TAR_TYPE.SYMLINK) return { ...members, ...rest, target: readSymlink(bootstrap, nid) }
  if (type === TAR_TYPE.CHAR || type === TAR_TYPE.BLOCK) return { ...members, ...rest, rdev }
  return { ...members, ...rest }
}

function checkCovered({ path, inode }: TreeEntry, chunks: readonly ChunkInfo[]): void {
  const found = chunks.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0)
  if (found === inode.size) return
  const details = { path: pathText(path), expected: inode.size, found }
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `${details.path} has ${inode.size} bytes, its chunks have ${found}`,
    { details },
  )
}

/** Where the placeholder of a hard link into a lower layer leads to. */
function deferredTarget(type: string, xattrs: readonly Xattr[]): Uint8Array | undefined {
  if (type !== TAR_TYPE.FILE) return undefined
  return xattrs.find(({ name }) => equalBytes(name, LINK_TARGET_NAME))?.value
}
