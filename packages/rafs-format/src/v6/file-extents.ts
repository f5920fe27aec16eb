// SPDX-License-Identifier: Apache-2.0
/** From a place in a regular file to places in its blobs: the chunk index behind the inode. */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from '../bootstrap.ts'
import { ChunkIndexEntry } from '../layout/erofs.ts'
import { chunkIndexOffset, FILE_TYPE, type Inode, readInode, S_IFMT } from './inode.ts'

/** One chunk of a file. */
export interface ChunkRef {
  readonly blobIndex: number
  /** Number of the chunk within its blob. */
  readonly chunkIndex: number
  /** In the uncompressed blob. */
  readonly uncompressedOffset: number
  /** Bytes of the file in this chunk. */
  readonly length: number
  readonly fileOffset: number
}

/** Bytes of a file that lie together in one uncompressed blob. */
export interface BlobExtent {
  readonly blobIndex: number
  readonly uncompressedOffset: number
  /** Bytes, > 0. */
  readonly length: number
}

/**
 * All chunks of a regular file in file order; an empty file has none.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no regular file or a chunk names no blob, ERR_FORMAT_OUT_OF_RANGE
 *   when the index leaves the bootstrap or a chunk its blob, and what `readInode` throws.
 */
export function readChunkIndex(bootstrap: Bootstrap, nid: number): ChunkRef[] {
  const inode = readFileInode(bootstrap, nid)
  return Array.from({ length: chunkCount(bootstrap, inode) }, (_, i) => readChunkRef(bootstrap, inode, i))
}

/**
 * Where the bytes `[offset, offset + length)` of a regular file are, cut at the end of the file, neighbours merged.
 * @throws {FormatError} like `readChunkIndex`.
 */
export function fileExtents(bootstrap: Bootstrap, nid: number, offset: number, length: number): BlobExtent[] {
  return inodeExtents(bootstrap, readFileInode(bootstrap, nid), offset, length)
}

/** `fileExtents` for an inode that has been read already and is a regular file. */
export function inodeExtents(
  bootstrap: Bootstrap,
  inode: Inode,
  offset: number,
  length: number,
): BlobExtent[] {
  const end = Math.min(inode.size, offset + length)
  if (offset < 0 || !(offset < end)) return []
  checkIndexRange(bootstrap, inode)
  const extents: BlobExtent[] = []
  for (let at = offset; at < end; ) {
    const chunk = readChunkRef(bootstrap, inode, Math.floor(at / bootstrap.chunkSize))
    const skip = at - chunk.fileOffset
    const take = Math.min(chunk.length - skip, end - at)
    append(extents, chunk.blobIndex, chunk.uncompressedOffset + skip, take)
    at += take
  }
  return extents
}

function append(extents: BlobExtent[], blobIndex: number, uncompressedOffset: number, length: number): void {
  const last = extents.at(-1)
  if (last && last.blobIndex === blobIndex && last.uncompressedOffset + last.length === uncompressedOffset) {
    extents[extents.length - 1] = { ...last, length: last.length + length }
  } else {
    extents.push({ blobIndex, uncompressedOffset, length })
  }
}

function readFileInode(bootstrap: Bootstrap, nid: number): Inode {
  const inode = readInode(bootstrap, nid)
  const regular = (inode.mode & S_IFMT) === FILE_TYPE.REGULAR
  if (regular && (inode.layout === 'chunk-based' || inode.size === 0)) {
    checkIndexRange(bootstrap, inode)
    return inode
  }
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `inode ${nid} of mode 0${inode.mode.toString(8)} is no file in chunks`,
    {
      details: { nid, mode: inode.mode, layout: inode.layout },
    },
  )
}

/** Bytes of the chunk index that the size of `inode` asks for; 0 for everything but regular files. */
export function chunkIndexSize(bootstrap: Bootstrap, inode: Inode): number {
  if ((inode.mode & S_IFMT) !== FILE_TYPE.REGULAR) return 0
  return chunkCount(bootstrap, inode) * ChunkIndexEntry.size
}

// Every chunk has an entry of 8 bytes inside the bootstrap, so a huge size cannot make a loop long.
function checkIndexRange(bootstrap: Bootstrap, inode: Inode): void {
  const size = chunkCount(bootstrap, inode) * ChunkIndexEntry.size
  checkRange(chunkIndexOffset(inode), size, bootstrap.bytes.length, `chunk index of inode ${inode.nid}`)
}

// User space counts in the superblock's chunk size; the one in `union` is for the kernel and may be larger.
function chunkCount(bootstrap: Bootstrap, inode: Inode): number {
  return Math.ceil(inode.size / bootstrap.chunkSize)
}

function readChunkRef(bootstrap: Bootstrap, inode: Inode, i: number): ChunkRef {
  const { bytes, chunkSize, blockSize, blobs } = bootstrap
  const entry = ChunkIndexEntry.view(bytes, chunkIndexOffset(inode) + i * ChunkIndexEntry.size)
  const device = entry.deviceAndChunkHigh & 0xff
  const blob = blobs[device - 1]
  if (blob === undefined) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `inode ${inode.nid}: chunk ${i} is on device ${device} of ${blobs.length}`,
      {
        details: { nid: inode.nid, chunk: i, device },
      },
    )
  }
  const fileOffset = i * chunkSize
  const uncompressedOffset = entry.blockAddr * blockSize
  const length = Math.min(chunkSize, inode.size - fileOffset)
  checkRange(
    uncompressedOffset,
    length,
    blob.uncompressedSize,
    `chunk ${i} of inode ${inode.nid} in blob ${device - 1}`,
  )
  return {
    blobIndex: device - 1,
    chunkIndex: ((entry.deviceAndChunkHigh >>> 8) << 16) | entry.chunkIndexLow,
    uncompressedOffset,
    length,
    fileOffset,
  }
}

/** Members of one entry of a file's chunk index. */
export type ChunkIndexValue = Pick<ChunkRef, 'blobIndex' | 'chunkIndex' | 'uncompressedOffset'>

/** The chunk index of a file: 8 bytes a chunk. @param blockSize bytes; offsets must be multiples of it. */
export function encodeChunkIndex(chunks: readonly ChunkIndexValue[], blockSize: number): Uint8Array {
  return ChunkIndexEntry.encodeTable(
    chunks.map(({ blobIndex, chunkIndex, uncompressedOffset }) => ({
      chunkIndexLow: chunkIndex & 0xffff,
      deviceAndChunkHigh: ((chunkIndex >>> 16) << 8) | (blobIndex + 1),
      blockAddr: uncompressedOffset / blockSize,
    })),
  )
}
