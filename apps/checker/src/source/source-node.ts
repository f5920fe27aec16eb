// SPDX-License-Identifier: Apache-2.0
/** The source's file system: one `SourceNode` an inode. A hard link is the same node under two names. */
import { ENTRY_FILE_TYPE, type TarEntry } from '@nydus/builder'
import { FILE_TYPE } from '@nydus/rafs-format'
import { type ByteText, byteText } from '../byte-path.ts'

/** An inode of the source image; only digests of its content are kept. */
export interface SourceNode {
  /** st_mode. */
  mode: number
  uid: number
  gid: number
  /** Seconds since 1970. */
  mtime: number
  /** Bytes; 0 for everything but files and symlinks. */
  size: number
  /** Linux device number, 0 for everything but devices. */
  rdev: number
  symlink: ByteText | undefined
  /** Names and values, one character per byte. */
  xattrs: ReadonlyMap<ByteText, ByteText>
  /** 32 bytes for each chunk of a file. */
  chunkDigests: Uint8Array
  /** True for a directory that no layer has an entry for: then only its name and type are known. */
  implied: boolean
  children: Map<ByteText, SourceNode> | undefined
}

const NOTHING = new Uint8Array(0)
const NO_XATTRS: ReadonlyMap<ByteText, ByteText> = new Map()

/** The node of a tar entry that is not a hard link. */
export function nodeOfEntry(entry: TarEntry, chunkDigests: Uint8Array = NOTHING): SourceNode {
  if (entry.kind === 'hardlink') throw new TypeError('a hard link has no node of its own')
  const symlink = entry.kind === 'symlink' && entry.target !== undefined ? byteText(entry.target) : undefined
  const isDevice = entry.kind === 'char' || entry.kind === 'block'
  return {
    mode: ENTRY_FILE_TYPE[entry.kind] | entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    size: symlink?.length ?? (entry.kind === 'file' ? entry.size : 0),
    rdev: isDevice ? deviceNumber(entry.rdevMajor, entry.rdevMinor) : 0,
    symlink,
    xattrs: entry.xattrs.length === 0 ? NO_XATTRS : xattrMap(entry.xattrs),
    chunkDigests,
    implied: false,
    children: entry.kind === 'directory' ? new Map() : undefined,
  }
}

/** A directory that only the paths of other entries tell about. */
export function impliedDirectory(): SourceNode {
  return {
    mode: FILE_TYPE.DIRECTORY | 0o755,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: 0,
    rdev: 0,
    symlink: undefined,
    xattrs: NO_XATTRS,
    chunkDigests: NOTHING,
    implied: true,
    children: new Map(),
  }
}

/** Extended attributes as a map of byte texts. */
export function xattrMap(
  xattrs: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[],
): ReadonlyMap<ByteText, ByteText> {
  return new Map(xattrs.map(({ name, value }) => [byteText(name), byteText(value)]))
}

/** The node at `path`, without following links. */
export function nodeAt(root: SourceNode, path: readonly ByteText[]): SourceNode | undefined {
  let node: SourceNode | undefined = root
  for (const name of path) node = node?.children?.get(name)
  return node
}

/** Linux's 32-bit encoding. */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0
}
