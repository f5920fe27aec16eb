// SPDX-License-Identifier: Apache-2.0
/** What `nydus-image check -v` of the original printed about a bootstrap: one line an inode, one a chunk. */

/** One inode. */
export interface CheckedInode {
  /** With escapes where the name is no plain text. */
  readonly path: string
  readonly ino: number
  readonly nlink: number
  readonly size: number
  readonly hasXattr: boolean
  /** Of symlinks. */
  readonly target: string | undefined
  readonly mtime: number
  readonly mtimeNsec: number
  readonly chunks: readonly CheckedChunk[]
}

/** One chunk of a file. */
export interface CheckedChunk {
  readonly digest: string
  readonly chunkIndex: number
  readonly blobIndex: number
  readonly compressedOffset: number
  readonly compressedSize: number
  readonly uncompressedOffset: number
  readonly uncompressedSize: number
  readonly crc32c: number
}

const INODE =
  /^inode: \w* "(?<path>.*)": index \d+ ino \d+ real_ino (?<ino>\d+) .* i_nlink (?<nlink>\d+) i_size (?<size>\d+) .* has_xattr (?<xattr>\w+) link (?:None|Some\("(?<target>.*)"\)) i_mtime (?<mtime>\d+) i_mtime_nsec (?<nsec>\d+)$/
const CHUNK =
  /chunk: id (?<digest>\w+), index (?<index>\d+), blob_index (?<blob>\d+), file_offset \d+, compressed (?<cOffset>\d+)\/(?<cSize>\d+), uncompressed (?<uOffset>\d+)\/(?<uSize>\d+)(?:, crc32 (?<crc>\w+))?$/

/** The inodes in the order of the text: directories before what is in them, siblings sorted. */
export function parseCheckText(text: string): readonly CheckedInode[] {
  const inodes: (CheckedInode & { chunks: CheckedChunk[] })[] = []
  for (const line of text.split('\n')) {
    const inode = INODE.exec(line)?.groups
    const chunk = CHUNK.exec(line)?.groups
    if (inode) inodes.push(toInode(inode))
    else if (chunk) inodes.at(-1)?.chunks.push(toChunk(chunk))
    else if (/^inode:|chunk: id/.test(line)) throw new Error(`unknown line ${line}`)
  }
  return inodes
}

function toInode(groups: Record<string, string>): CheckedInode & { chunks: CheckedChunk[] } {
  return {
    path: groups.path ?? '',
    ino: Number(groups.ino),
    nlink: Number(groups.nlink),
    size: Number(groups.size),
    hasXattr: groups.xattr === 'true',
    target: groups.target,
    mtime: Number(BigInt.asIntN(64, BigInt(groups.mtime ?? 0))),
    mtimeNsec: Number(groups.nsec),
    chunks: [],
  }
}

function toChunk(groups: Record<string, string>): CheckedChunk {
  return {
    digest: groups.digest ?? '',
    chunkIndex: Number(groups.index),
    blobIndex: Number(groups.blob),
    compressedOffset: Number(groups.cOffset),
    compressedSize: Number(groups.cSize),
    uncompressedOffset: Number(groups.uOffset),
    uncompressedSize: Number(groups.uSize),
    crc32c: Number(groups.crc ?? 0),
  }
}
