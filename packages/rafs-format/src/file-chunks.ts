// SPDX-License-Identifier: Apache-2.0
/** Content of regular files of either version: from a place in a file to chunks and places in blobs. */
import type { Bootstrap } from './bootstrap.ts'
import type { ChunkInfo } from './chunk.ts'
import { readV5File, v5InodeExtents } from './v5/file-chunks.ts'
import { isV5Inode } from './v5/inode.ts'
import { readV5ChunkIndex, readV5FileChunks } from './v5/numbered-chunks.ts'
import { readV6FileChunks } from './v6/file-chunks.ts'
import {
  type BlobExtent,
  type ChunkRef,
  readChunkIndex as readV6ChunkIndex,
  fileExtents as v6FileExtents,
  inodeExtents as v6InodeExtents,
} from './v6/file-extents.ts'
import type { Inode } from './v6/inode.ts'

/**
 * All chunks of a regular file in file order; an empty file has none.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is no regular file or a chunk names no blob, ERR_FORMAT_OUT_OF_RANGE
 *   when the index leaves the bootstrap or a chunk its blob, and what `readInode` throws.
 */
export function readChunkIndex(bootstrap: Bootstrap, nid: number): ChunkRef[] {
  return bootstrap.fsVersion === 5 ? readV5ChunkIndex(bootstrap, nid) : readV6ChunkIndex(bootstrap, nid)
}

/**
 * The full records of all chunks of a regular file in file order, with the place of each in this file. Digests are views into
 * the bootstrap. v5 has them in the inode, v6 in the chunk table; tarfs has none, there they follow from the addresses.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when the chunk table has no such chunk, and what `readChunkIndex` throws.
 */
export function readFileChunks(bootstrap: Bootstrap, nid: number): ChunkInfo[] {
  return bootstrap.fsVersion === 5 ? readV5FileChunks(bootstrap, nid) : readV6FileChunks(bootstrap, nid)
}

/**
 * Where the bytes `[offset, offset + length)` of a regular file are, cut at the end of the file, neighbours merged.
 * @throws {FormatError} like `readChunkIndex`.
 */
export function fileExtents(bootstrap: Bootstrap, nid: number, offset: number, length: number): BlobExtent[] {
  return bootstrap.fsVersion === 5
    ? v5InodeExtents(bootstrap, readV5File(bootstrap, nid), offset, length)
    : v6FileExtents(bootstrap, nid, offset, length)
}

/** `fileExtents` for an inode that `readInode` has read already from this bootstrap and that is a regular file. */
export function inodeExtents(
  bootstrap: Bootstrap,
  inode: Inode,
  offset: number,
  length: number,
): BlobExtent[] {
  return bootstrap.fsVersion === 5
    ? v5InodeExtents(bootstrap, isV5Inode(inode) ? inode : readV5File(bootstrap, inode.nid), offset, length)
    : v6InodeExtents(bootstrap, inode, offset, length)
}
