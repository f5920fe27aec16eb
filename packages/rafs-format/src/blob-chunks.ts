// SPDX-License-Identifier: Apache-2.0
/** The chunks of one blob, for blobs whose chunks no blob meta lists: those of v5 and of tarfs images. */
import type { Bootstrap, V6Bootstrap } from './bootstrap.ts'
import { SUPER_FLAGS } from './flags.ts'
import { type BlobChunks, ChunkCollector, type SortedChunks } from './sorted-chunks.ts'
import { v5Chunks } from './v5/collect-chunks.ts'
import { tarfsChunk } from './v6/file-chunks.ts'
import { readChunkIndex } from './v6/file-extents.ts'
import { FILE_TYPE, S_IFMT } from './v6/inode.ts'
import { walkTree } from './walk.ts'

const collected = new WeakMap<V6Bootstrap, SortedChunks>()

/**
 * All distinct chunks of blob `blobIndex`, sorted by uncompressed offset. The first call reads all inodes of a v5 or tarfs
 * image once, or the chunk table of another v6 image; later calls for any blob are cheap. For builders before v1.1, which
 * stored neither chunk indexes nor sizes of blobs, chunks are numbered here, and the sizes are where the chunks end.
 * @returns no chunks for a blob that the image does not have.
 * @throws {FormatError} when an inode or the chunk table is damaged.
 */
export function blobChunks(bootstrap: Bootstrap, blobIndex: number): BlobChunks {
  if (bootstrap.fsVersion === 5) return v5Chunks(bootstrap).blob(blobIndex)
  const known = collected.get(bootstrap)
  if (known !== undefined) return known.blob(blobIndex)
  const tarfs = (bootstrap.flags & SUPER_FLAGS.TARFS_MODE) !== 0n
  const sorted = tarfs ? collectTarfs(bootstrap) : collectTable(bootstrap)
  collected.set(bootstrap, sorted)
  return sorted.blob(blobIndex)
}

/** The chunk table of tarfs images has one record a blob at most: all digests are zero. */
function collectTarfs(bootstrap: V6Bootstrap): SortedChunks {
  const collector = new ChunkCollector(bootstrap.blobs.length)
  for (const { inode, repeated } of walkTree(bootstrap)) {
    if (repeated || (inode.mode & S_IFMT) !== FILE_TYPE.REGULAR) continue
    for (const { blobIndex, uncompressedOffset, chunkIndex, length } of readChunkIndex(
      bootstrap,
      inode.nid,
    )) {
      collector.add(blobIndex, uncompressedOffset, chunkIndex, length)
    }
  }
  return collector.finish((length, chunk) => tarfsChunk({ ...chunk, length, fileOffset: 0 }), false)
}

function collectTable(bootstrap: V6Bootstrap): SortedChunks {
  const table = bootstrap.chunkTable()
  const collector = new ChunkCollector(bootstrap.blobs.length)
  for (let position = 0; position < table.length; position++) {
    const { blobIndex, uncompressedOffset, chunkIndex } = table.at(position)
    collector.add(blobIndex, uncompressedOffset, chunkIndex, position)
  }
  return collector.finish((position) => table.at(position), false)
}
