// SPDX-License-Identifier: Apache-2.0
/** Legacy stargz blobs: their chunks are gzip members whose stored size no table knows. */
import { FormatError } from '@nydus/base/error'
import { type ChunkMeta, legacyStargzReadSize } from '@nydus/rafs-format'
import type { ChunkLayout } from './chunk-layout.ts'

/**
 * A view of `layout` in which each chunk has as many stored bytes as its gzip member can take at most. Neighbours overlap.
 * @param blobSize bytes of the stored blob.
 */
export function stargzLayout(layout: ChunkLayout, blobSize: number, blobId: string): ChunkLayout {
  return { ...layout, chunk: (index) => stargzChunk(layout.chunk(index), index, blobSize, blobId) }
}

/** One chunk of such a view. @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when it starts behind the end of the blob. */
export function stargzChunk(chunk: ChunkMeta, index: number, blobSize: number, blobId: string): ChunkMeta {
  if (chunk.uncompressedSize === 0) return chunk
  const available = blobSize - chunk.compressedOffset
  if (available <= 0) throw beyondEnd(blobId, index, chunk.compressedOffset, blobSize)
  const compressedSize = legacyStargzReadSize(chunk.uncompressedSize, available)
  return { ...chunk, compressedSize, compressed: true }
}

function beyondEnd(blobId: string, chunk: number, offset: number, blobSize: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `blob ${blobId}: chunk ${chunk} starts at 0x${offset.toString(16)}, the blob has ${blobSize} bytes`,
    { details: { blobId, chunk, offset, blobSize } },
  )
}
