// SPDX-License-Identifier: Apache-2.0
/** From a place in a regular file of v5 to places in its blobs: the chunk records at the end of the inode. */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { V5Bootstrap } from '../bootstrap.ts'
import { type ChunkInfo, decodeChunkInfo } from '../chunk.ts'
import { ChunkRecord } from '../layout/chunk-info.ts'
import { V5_INODE_FLAGS } from '../layout/v5.ts'
import type { BlobExtent } from '../v6/file-extents.ts'
import { FILE_TYPE, S_IFMT } from '../v6/inode.ts'
import { readV5Inode, type V5Inode } from './inode.ts'

/** A regular file. @throws {FormatError} ERR_FORMAT_CORRUPT when `nid` is something else, and what `readV5Inode` throws. */
export function readV5File(bootstrap: V5Bootstrap, nid: number): V5Inode {
  const inode = readV5Inode(bootstrap, nid)
  if ((inode.mode & S_IFMT) === FILE_TYPE.REGULAR) return inode
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `inode ${nid} of mode 0${inode.mode.toString(8)} is no file in chunks`,
    { details: { nid, mode: inode.mode } },
  )
}

/** The chunk records of a file as they are stored. Digests are views into the bootstrap. */
export function storedV5Chunks(bootstrap: V5Bootstrap, file: V5Inode): ChunkInfo[] {
  return Array.from({ length: file.childCount }, (_, i) =>
    decodeChunkInfo(bootstrap.bytes, file.tailOffset + i * ChunkRecord.size),
  )
}

/**
 * Where the bytes `[offset, offset + length)` of a file are, cut at the end of the file, neighbours merged.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when chunks do not cover the file or name no blob, ERR_FORMAT_OUT_OF_RANGE when a
 *   chunk leaves its blob.
 */
export function v5InodeExtents(
  bootstrap: V5Bootstrap,
  file: V5Inode,
  offset: number,
  length: number,
): BlobExtent[] {
  const end = Math.min(file.size, offset + length)
  if (offset < 0 || !(offset < end)) return []
  const extents: BlobExtent[] = []
  const scan = (file.flags & V5_INODE_FLAGS.HAS_HOLE) !== 0
  let i = scan ? 0 : Math.floor(offset / bootstrap.chunkSize)
  for (let at = offset; at < end; i++) {
    const chunk = readPlace(bootstrap, file, i)
    const chunkEnd = chunk.fileOffset + chunk.uncompressedSize
    if (scan && chunkEnd <= at) continue
    const skip = at - chunk.fileOffset
    const take = Math.min(chunkEnd, end) - at
    if (skip < 0 || take <= 0) throw notCovered(file, at)
    append(extents, chunk.blobIndex, chunk.uncompressedOffset + skip, take)
    at += take
  }
  return extents
}

type ChunkPlace = Pick<ChunkInfo, 'blobIndex' | 'uncompressedOffset' | 'uncompressedSize' | 'fileOffset'>

/** Every chunk has 80 bytes inside the bootstrap, which reading the inode has checked: a huge size makes no loop long. */
function readPlace(bootstrap: V5Bootstrap, file: V5Inode, i: number): ChunkPlace {
  if (i >= file.childCount) throw notCovered(file, i * bootstrap.chunkSize)
  const record = ChunkRecord.view(bootstrap.bytes, file.tailOffset + i * ChunkRecord.size)
  checkV5ChunkPlace(bootstrap, record, `chunk ${i} of inode ${file.nid}`)
  return record
}

/**
 * Checks that a chunk lies in a blob of the table, as far as the size of the blob is known.
 * @throws {FormatError} ERR_FORMAT_CORRUPT, ERR_FORMAT_OUT_OF_RANGE.
 */
export function checkV5ChunkPlace(bootstrap: V5Bootstrap, chunk: ChunkPlace, what: string): void {
  const { blobs, chunkSize } = bootstrap
  const { blobIndex, uncompressedOffset, uncompressedSize } = chunk
  const blob = blobs[blobIndex]
  if (blob === undefined || uncompressedSize > chunkSize) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `${what}: ${uncompressedSize} bytes in blob ${blobIndex} of ${blobs.length}`,
      { details: { blobIndex, uncompressedSize } },
    )
  }
  const limit = bootstrap.hasBlobSizes ? blob.uncompressedSize : Number.MAX_SAFE_INTEGER
  checkRange(uncompressedOffset, uncompressedSize, limit, `${what} in blob ${blobIndex}`)
}

function append(extents: BlobExtent[], blobIndex: number, uncompressedOffset: number, length: number): void {
  const last = extents.at(-1)
  if (last && last.blobIndex === blobIndex && last.uncompressedOffset + last.length === uncompressedOffset) {
    extents[extents.length - 1] = { ...last, length: last.length + length }
  } else {
    extents.push({ blobIndex, uncompressedOffset, length })
  }
}

function notCovered(file: V5Inode, at: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_CORRUPT',
    `inode ${file.nid}: no chunk holds byte 0x${at.toString(16)} of ${file.size}`,
    { details: { nid: file.nid, fileOffset: at, size: file.size, chunks: file.childCount } },
  )
}
