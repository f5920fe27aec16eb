// SPDX-License-Identifier: Apache-2.0
/** Small bootstraps by hand, sound or hostile: inodes at chosen nids, data inline or in chosen blocks. */
import {
  type BlobInfo,
  type ChunkIndexValue,
  type ChunkInfo,
  encodeBlobTable,
  encodeChunkIndex,
  encodeChunkTable,
  encodeDeviceSlots,
  encodeDirents,
  encodeInode,
  encodePrefetchTable,
  encodeSuperBlock,
  encodeXattrs,
  planDeviceSlots,
  SUPER_FLAGS,
  type SuperBlock,
  type Xattr,
  xattrCountField,
} from '../src/index.ts'
import { InodeCompact } from '../src/layout/index.ts'

/** A dirent with its name as text. */
export interface NamedEntry {
  readonly name: string
  readonly nid: number
  readonly fileType: number
}

/** One inode. */
export interface MadeInode {
  readonly nid: number
  readonly mode: number
  readonly size?: number
  readonly xattrs?: readonly Xattr[]
  /** Directory data, inline. */
  readonly entries?: readonly NamedEntry[]
  /** Symlink target, inline. */
  readonly target?: string
  /** Chunk-based file. */
  readonly chunks?: readonly ChunkIndexValue[]
  /** Data elsewhere: block address and size. */
  readonly plain?: { readonly block: number; readonly size: number }
  /** A 32-byte inode. */
  readonly compact?: boolean
  readonly union?: number
}

/** Everything besides inodes. */
export interface MadeTables {
  readonly blobs?: readonly BlobInfo[]
  readonly chunkTable?: readonly ChunkInfo[]
  readonly prefetch?: readonly number[]
  readonly superBlock?: Partial<SuperBlock>
}

const META = 0x2000
const CHUNK_TABLE = 0x8000
const SIZE = 0xa000
const BLOCK = 4096

/** An entry that leads to a directory. */
export function dir(name: string, nid: number): NamedEntry {
  return { name, nid, fileType: 2 }
}

/** A blob of `uncompressedSize` bytes with 64 times `digit` as its id. */
export function madeBlob(blobIndex: number, uncompressedSize: number, digit = 'a'): BlobInfo {
  return {
    blobId: digit.repeat(64),
    blobIndex,
    chunkSize: 0x1000,
    chunkCount: Math.ceil(uncompressedSize / 0x1000),
    compressor: 'zstd',
    digester: 'blake3',
    features: 0x4000_0001,
    compressedSize: uncompressedSize,
    uncompressedSize,
    tocSize: 0,
    tocDigest: new Uint8Array(32),
    metaCompressor: 'none',
    metaOffset: uncompressedSize,
    metaCompressedSize: 16 * Math.ceil(uncompressedSize / 0x1000),
    metaUncompressedSize: 16 * Math.ceil(uncompressedSize / 0x1000),
    metaBlobDigest: new Uint8Array(32),
    metaBlobSize: 0,
    ivTail: new Uint8Array(8),
    cipher: 0,
  }
}

/** The bootstrap, 40 KiB: meta base at block 2, nid 128 at block 3, chunk table at block 8. */
export function makeBootstrap(inodes: readonly MadeInode[], tables: MadeTables = {}): Uint8Array {
  const { blobs = [], chunkTable = [], prefetch = [] } = tables
  const bytes = new Uint8Array(SIZE)
  bytes.set(
    encodeSuperBlock({
      blockSize: BLOCK,
      rootNid: 128,
      inodeCount: inodes.length,
      blocks: blobs.reduce((blocks, blob) => blocks + Math.floor(blob.uncompressedSize / BLOCK), 0),
      metaBlockAddr: META / BLOCK,
      extraDevices: blobs.length,
      flags: SUPER_FLAGS.COMPRESSION_ZSTD | SUPER_FLAGS.HASH_BLAKE3 | SUPER_FLAGS.HAS_XATTR,
      blobTableOffset: 0x1000,
      blobTableSize: blobs.length * 256,
      chunkSize: 0x1000,
      chunkTableOffset: CHUNK_TABLE,
      chunkTableSize: chunkTable.length * 80,
      prefetchTableOffset: prefetch.length > 0 ? 0x1000 + blobs.length * 256 : 0,
      prefetchTableSize: prefetch.length * 4,
      ...tables.superBlock,
    }),
    1024,
  )
  bytes.set(encodeDeviceSlots(planDeviceSlots(blobs, SIZE, BLOCK)), 1408)
  bytes.set(encodeBlobTable(blobs), 0x1000)
  bytes.set(encodePrefetchTable(prefetch), 0x1000 + blobs.length * 256)
  bytes.set(encodeChunkTable(chunkTable), CHUNK_TABLE)
  for (const inode of inodes) bytes.set(encodeMade(inode), META + inode.nid * 32)
  return bytes
}

function encodeMade(inode: MadeInode): Uint8Array {
  const data = inlineData(inode)
  const xattrs = encodeXattrs(inode.xattrs ?? [])
  const size = inode.size ?? inode.plain?.size ?? data.length
  const chunked = (inode.mode & 0xf000) === 0x8000
  const layout = chunked ? 'chunk-based' : data.length > 0 ? 'flat-inline' : 'flat-plain'
  const members = {
    mode: inode.mode,
    size,
    union: inode.union ?? inode.plain?.block ?? 0,
    ino: inode.nid,
    uid: 1,
    gid: 2,
  }
  const xattrCount = xattrCountField(xattrs.length)
  const record = inode.compact
    ? InodeCompact.encode({
        ...members,
        xattrCount,
        nlink: 3,
        format: { 'chunk-based': 8, 'flat-inline': 4, 'flat-plain': 0 }[layout],
      })
    : encodeInode({ ...members, xattrCount, nlink: 1, mtime: 5, mtimeNsec: 6, layout })
  return new Uint8Array(
    Buffer.concat([
      record,
      xattrs,
      ...(chunked ? [new Uint8Array(-(record.length + xattrs.length) & 7)] : []),
      data,
    ]),
  )
}

function inlineData({ entries, target, chunks }: MadeInode): Uint8Array {
  if (entries) {
    return encodeDirents(
      entries.map((entry) => ({ ...entry, name: Buffer.from(entry.name, 'latin1') })),
      BLOCK,
    )
  }
  if (target !== undefined) return Buffer.from(target)
  return chunks ? encodeChunkIndex(chunks, BLOCK) : new Uint8Array(0)
}
