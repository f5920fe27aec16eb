// SPDX-License-Identifier: Apache-2.0
/** Full chunk records of v6 files: from the chunk table, or, in tarfs bootstraps, from the block addresses. */
import { FormatError } from '@nydus/base/error'
import type { Bootstrap } from '../bootstrap.ts'
import type { ChunkInfo } from '../chunk.ts'
import { SUPER_FLAGS } from '../flags.ts'
import { type ChunkRef, readChunkIndex } from './file-extents.ts'

const NO_DIGEST = new Uint8Array(32)

/**
 * The chunks of a regular file of a v6 bootstrap in file order, with `fileOffset` of this file.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when the chunk table has no such chunk, and what `readChunkIndex` throws.
 */
export function readV6FileChunks(bootstrap: Bootstrap, nid: number): ChunkInfo[] {
  const refs = readChunkIndex(bootstrap, nid)
  if ((bootstrap.flags & SUPER_FLAGS.TARFS_MODE) !== 0n) return refs.map(tarfsChunk)
  return refs.map((ref) => tableChunk(bootstrap, nid, ref))
}

function tableChunk(bootstrap: Bootstrap, nid: number, ref: ChunkRef): ChunkInfo {
  const { blobIndex, chunkIndex, uncompressedOffset, length, fileOffset } = ref
  const chunk = bootstrap.chunkTable().find(blobIndex, chunkIndex)
  if (chunk?.uncompressedOffset === uncompressedOffset && chunk.uncompressedSize === length)
    return { ...chunk, fileOffset }
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `inode ${nid}: chunk ${chunkIndex} of blob ${blobIndex} is not in the chunk table as the file has it`,
    { details: { nid, blobIndex, chunkIndex, uncompressedOffset, length } },
  )
}

/**
 * The record of a tarfs chunk. The blob is a tar: a chunk is where the file's bytes are in it, as they are. The chunk table
 * does not know it.
 */
export function tarfsChunk(ref: ChunkRef): ChunkInfo {
  const { blobIndex, chunkIndex, uncompressedOffset, length, fileOffset } = ref
  return {
    digest: NO_DIGEST,
    blobIndex,
    flags: 0,
    compressedSize: length,
    uncompressedSize: length,
    compressedOffset: uncompressedOffset,
    uncompressedOffset,
    fileOffset,
    chunkIndex,
    crc32c: 0,
  }
}
