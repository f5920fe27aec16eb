// SPDX-License-Identifier: Apache-2.0
/** All chunks of a v5 image: v5 has no chunk table, so they are collected from the inodes, once. */
import { FormatError } from '@nydus/base/error'
import type { V5Bootstrap } from '../bootstrap.ts'
import { decodeChunkInfo } from '../chunk.ts'
import { ChunkRecord } from '../layout/chunk-info.ts'
import { V5InodeRecord } from '../layout/v5.ts'
import { ChunkCollector, type SortedChunks } from '../sorted-chunks.ts'
import { FILE_TYPE, S_IFMT } from '../v6/inode.ts'
import { readV5Record } from './inode.ts'

const collected = new WeakMap<V5Bootstrap, SortedChunks>()
/** How often records may claim the bootstrap's bytes: 1 would do, were they never over each other. */
const RECORD_BUDGET = 4

/**
 * The chunks of all files, read on first use. Images of builders before v1.1 have no chunk indexes: theirs are given in the
 * order of the blob.
 * @throws {FormatError} what `readV5Record` throws for any index, ERR_FORMAT_CORRUPT when inode records overlap.
 */
export function v5Chunks(bootstrap: V5Bootstrap): SortedChunks {
  const known = collected.get(bootstrap)
  if (known !== undefined) return known
  const sorted = collect(bootstrap)
  collected.set(bootstrap, sorted)
  return sorted
}

function collect(bootstrap: V5Bootstrap): SortedChunks {
  const { bytes, blobs, superBlock, hasBlobSizes } = bootstrap
  const collector = new ChunkCollector(blobs.length)
  let left = RECORD_BUDGET * bytes.length
  for (let index = 1; index <= superBlock.inodeTableEntries; index++) {
    const inode = readV5Record(bootstrap, index)
    const regular = (inode.mode & S_IFMT) === FILE_TYPE.REGULAR
    const count = regular && inode.ino === index ? inode.childCount : 0
    left -= V5InodeRecord.size + count * ChunkRecord.size
    if (left < 0)
      throw new FormatError('ERR_FORMAT_CORRUPT', 'inodes overlap: they claim more bytes than there are')
    for (let i = 0; i < count; i++) {
      const at = inode.tailOffset + i * ChunkRecord.size
      const { blobIndex, uncompressedOffset, chunkIndex } = ChunkRecord.view(bytes, at)
      collector.add(blobIndex, uncompressedOffset, chunkIndex, at)
    }
  }
  return collector.finish(
    (at, { chunkIndex }) => ({ ...decodeChunkInfo(bytes, at), chunkIndex }),
    !hasBlobSizes,
  )
}
