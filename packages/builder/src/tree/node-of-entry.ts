// SPDX-License-Identifier: Apache-2.0
import { BuildError } from '../build-error.ts'
import { ENTRY_FILE_TYPE, type TarEntry } from '../tar/entry.ts'
import { displayPath } from './byte-name.ts'
import { createNode, type Node } from './node.ts'

const MAX_MAJOR = 0xfff
const MAX_MINOR = 0xf_ffff

/** What becomes of members that not every bootstrap has. */
export interface NodeDefaults {
  /** False gives everything to 0:0. */
  readonly explicitOwners: boolean
  /** Device number of what is no device. */
  readonly ordinaryRdev: number
}

/** A file's records in a chunk store. */
export type ChunkRun = Pick<Node, 'chunkStart' | 'chunkCount'>

/**
 * The inode of a tar entry that is not a hard link.
 * @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for device numbers that do not fit 12 and 20 bits.
 */
export function nodeOfEntry(entry: TarEntry, chunks: ChunkRun, defaults: NodeDefaults): Node {
  if (entry.kind === 'hardlink') throw new TypeError('a hard link has no inode of its own')
  const symlink =
    entry.kind === 'symlink'
      ? entry.target === undefined
        ? undefined
        : new Uint8Array(entry.target)
      : undefined
  return createNode({
    mode: ENTRY_FILE_TYPE[entry.kind] | entry.mode,
    uid: defaults.explicitOwners ? entry.uid : 0,
    gid: defaults.explicitOwners ? entry.gid : 0,
    rdev: rdevOf(entry, defaults),
    size: symlink?.length ?? (entry.kind === 'file' ? entry.size : 0),
    mtime: entry.mtime,
    mtimeNsec: entry.mtimeNsec,
    ...(entry.xattrs.length > 0 ? { xattrs: entry.xattrs } : {}),
    ...(symlink === undefined ? {} : { symlink }),
    chunkStart: chunks.chunkStart,
    chunkCount: chunks.chunkCount,
  })
}

function rdevOf(entry: TarEntry, { ordinaryRdev }: NodeDefaults): number {
  if (entry.kind === 'char' || entry.kind === 'block') return deviceNumber(entry)
  return entry.kind === 'fifo' ? 0 : ordinaryRdev
}

/** Linux's 32-bit device number. */
function deviceNumber(entry: TarEntry): number {
  const { rdevMajor: major, rdevMinor: minor } = entry
  if (major > MAX_MAJOR || minor > MAX_MINOR) {
    const path = displayPath(entry.path)
    throw new BuildError(
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      `${path}: device ${major}:${minor} does not fit 12:20 bits`,
      {
        details: { path, major, minor },
      },
    )
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}
