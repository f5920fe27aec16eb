// SPDX-License-Identifier: Apache-2.0
/** The lines of `check --verbose`, member by member as the original prints them. */
import {
  type Bootstrap,
  type ChunkInfo,
  chunkCrc32c,
  FILE_TYPE,
  hexText,
  isDotName,
  readDirectory,
  readFileChunks,
  readSymlink,
  readXattrs,
  S_IFMT,
  type TreeEntry,
  walkTree,
} from '@nydus/rafs-format'
import { quotedText } from '../quoted-text.ts'

/** A line for every path, and one for each chunk of files. */
export function* inodeLines(bootstrap: Bootstrap): Generator<string, void, undefined> {
  for (const entry of walkTree(bootstrap)) {
    const isFile = (entry.inode.mode & S_IFMT) === FILE_TYPE.REGULAR
    const chunks = isFile ? readFileChunks(bootstrap, entry.inode.nid) : []
    yield inodeLine(bootstrap, entry, chunks.length)
    for (const chunk of chunks) yield chunkLine(chunk)
  }
}

function inodeLine(bootstrap: Bootstrap, { path, inode }: TreeEntry, chunkCount: number): string {
  const { nid, mode, nlink, size, mtime, mtimeNsec } = inode
  const type = mode & S_IFMT
  const isSymlink = type === FILE_TYPE.SYMLINK
  const members = {
    index: 0,
    ino: nid,
    real_ino: nid,
    ...childMembers(bootstrap, inode, type, chunkCount),
    i_nlink: nlink,
    i_size: size,
    i_blocks: 'blocks' in inode ? inode.blocks : Math.ceil(size / 512),
    i_name_size: path.at(-1)?.length ?? 1,
    i_symlink_size: symlinkSize(bootstrap, isSymlink, size),
    has_xattr: readXattrs(bootstrap, nid).length > 0,
    link: isSymlink ? `Some(${quotedText(readSymlink(bootstrap, nid))})` : 'None',
    i_mtime: mtime,
    i_mtime_nsec: mtimeNsec,
  }
  const list = Object.entries(members).map(([name, value]) => `${name} ${value}`)
  return `inode: ${typeWord(type, nlink)} ${quotedText(pathBytes(path))}: ${list.join(' ')}`
}

function childMembers(
  bootstrap: Bootstrap,
  inode: TreeEntry['inode'],
  type: number,
  chunkCount: number,
): { child_index: number; child_count: number } {
  const childIndex = 'childIndex' in inode && typeof inode.childIndex === 'number' ? inode.childIndex : 0
  if (type === FILE_TYPE.DIRECTORY) {
    const children = [...readDirectory(bootstrap, inode.nid)].filter(({ name }) => !isDotName(name))
    return { child_index: childIndex, child_count: children.length }
  }
  if (bootstrap.fsVersion === 5) return { child_index: childIndex, child_count: chunkCount }
  return { child_index: 0, child_count: Math.ceil(inode.size / bootstrap.chunkSize) }
}

/** Of v6 the original shows the low 16 bits of any inode's size. */
function symlinkSize({ fsVersion }: Bootstrap, isSymlink: boolean, size: number): number {
  if (fsVersion === 6) return size % 0x1_0000
  return isSymlink ? size : 0
}

function typeWord(type: number, nlink: number): string {
  if (type === FILE_TYPE.SYMLINK) return 'symlink'
  if (type === FILE_TYPE.DIRECTORY) return 'dir'
  if (type !== FILE_TYPE.REGULAR) return ''
  return nlink > 1 ? 'hardlink' : 'file'
}

function pathBytes(path: readonly Uint8Array[]): Uint8Array {
  const slash = Buffer.from('/')
  return path.length === 0 ? slash : Buffer.concat(path.flatMap((name) => [slash, name]))
}

function chunkLine(chunk: ChunkInfo): string {
  const { digest, chunkIndex, blobIndex, fileOffset } = chunk
  const crc = chunkCrc32c(chunk)
  return `\t chunk: id ${hexText(digest)}, index ${chunkIndex}, blob_index ${blobIndex}, file_offset ${fileOffset}, compressed ${chunk.compressedOffset}/${chunk.compressedSize}, uncompressed ${chunk.uncompressedOffset}/${chunk.uncompressedSize}${crc === undefined ? '' : `, crc32 0x${crc.toString(16)}`}`
}
