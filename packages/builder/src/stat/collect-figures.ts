// SPDX-License-Identifier: Apache-2.0
/** Counts one image. */
import { alignUp } from '@nydus/base/binary'
import {
  type Bootstrap,
  type ChunkInfo,
  FILE_TYPE,
  type Inode,
  readFileChunks,
  S_IFMT,
  SUPER_FLAGS,
  walkTree,
} from '@nydus/rafs-format'
import { digestKey } from '../chunk/chunk-dict.ts'
import { CHUNK_SIZE_BITS, type ImageFigures, MAX_FILE_SIZE_BITS } from './image-statistics.ts'

/** Sizes of a chunk, in bytes. */
export type ChunkSizes = Pick<ChunkInfo, 'compressedSize' | 'uncompressedSize'>

const PADDED_TO = 4096

/**
 * Adds the entries of an image to `figures`.
 * @returns its distinct chunks by digest, in tarfs images by place.
 * @throws {FormatError} for a damaged bootstrap.
 */
export function collectFigures(bootstrap: Bootstrap, figures: ImageFigures): ReadonlyMap<string, ChunkSizes> {
  const distinct = new Map<string, ChunkSizes>()
  for (const { inode, repeated } of walkTree(bootstrap)) {
    const type = inode.mode & S_IFMT
    if (type === FILE_TYPE.DIRECTORY) figures.dirs += 1
    else if (type === FILE_TYPE.SYMLINK) figures.symlinks += 1
    if (type !== FILE_TYPE.REGULAR) continue
    figures.files += 1
    if (repeated) continue
    const chunks = readFileChunks(bootstrap, inode.nid)
    addFile(figures, inode, chunks)
    for (const chunk of chunks) {
      const key = chunkKey(bootstrap, chunk)
      if (!distinct.has(key)) distinct.set(key, chunk)
    }
  }
  return distinct
}

/** Chunks of tarfs images have no digests: they are what and where they are. */
function chunkKey({ blobs, flags }: Bootstrap, chunk: ChunkInfo): string {
  if ((flags & SUPER_FLAGS.TARFS_MODE) === 0n) return digestKey(chunk.digest)
  return `${blobs[chunk.blobIndex]?.blobId} ${chunk.uncompressedOffset} ${chunk.uncompressedSize}`
}

function addFile(figures: ImageFigures, { size }: Inode, chunks: readonly ChunkInfo[]): void {
  count(figures.file_sizes, Math.min(bitsOf(size), MAX_FILE_SIZE_BITS), 1)
  figures.file_size += size
  figures.padding_size += alignUp(size, PADDED_TO) - size
  figures.chunks += chunks.length
  for (const { compressedSize, uncompressedSize } of chunks) {
    figures.comp_size += compressedSize
    figures.uncomp_size += uncompressedSize
  }
  for (let bits: number = CHUNK_SIZE_BITS.first; bits <= CHUNK_SIZE_BITS.last; bits++)
    count(figures.chunk_sizes, bits - CHUNK_SIZE_BITS.first, Math.ceil(size / 2 ** bits))
}

/** Adds to one of several counters. */
function count(counters: number[], index: number, by: number): void {
  counters[index] = (counters[index] ?? 0) + by
}

/** Binary digits of a number: 0 has none. */
function bitsOf(value: number): number {
  return value === 0 ? 0 : value.toString(2).length
}
