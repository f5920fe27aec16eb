// SPDX-License-Identifier: Apache-2.0
/** What a bootstrap says about a blob is checked before a cache is laid out by it. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { BlobInfo } from '@nydus/rafs-format'
import type { ChunkBounds } from './shared-view.ts'

const CHUNK_ALIGNMENT = 4096

/** The id becomes a file name. @throws {FormatError} ERR_FORMAT_CORRUPT */
export function checkBlobId({ blobId }: BlobInfo): void {
  if (/^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/.test(blobId)) return
  throw new FormatError('ERR_FORMAT_CORRUPT', `blob id ${JSON.stringify(blobId)} cannot be a file name`, {
    details: { blobId },
  })
}

/**
 * Chunks of a blob meta must cover the uncompressed blob in order, with nothing between them but padding: a wrong offset
 * would otherwise make a hole that reads as zeros.
 * @throws {FormatError} ERR_FORMAT_CORRUPT
 */
export function checkCoverage(blob: BlobInfo, { chunkStarts, chunkSizes }: ChunkBounds): void {
  let end = 0
  for (let index = 0; index < chunkStarts.length; index++) {
    const start = chunkStarts[index] as number
    const size = chunkSizes[index] as number
    if (start !== alignUp(end, CHUNK_ALIGNMENT) || size > blob.chunkSize)
      throw badChunk(blob, index, start, size)
    end = start + size
  }
  if (alignUp(end, CHUNK_ALIGNMENT) !== alignUp(blob.uncompressedSize, CHUNK_ALIGNMENT)) {
    throw badChunk(blob, chunkStarts.length - 1, end, 0)
  }
}

/**
 * Chunk records only name what this image shows, so there may be holes between them.
 * @param blob with the size of the uncompressed blob, known or found out.
 * @throws {FormatError} ERR_FORMAT_CORRUPT for chunks that are too large or leave the blob.
 */
export function checkRecords(blob: BlobInfo, { chunkStarts, chunkSizes }: ChunkBounds): void {
  for (let index = 0; index < chunkStarts.length; index++) {
    const start = chunkStarts[index] as number
    const size = chunkSizes[index] as number
    if (size > blob.chunkSize || (size > 0 && start + size > blob.uncompressedSize))
      throw badChunk(blob, index, start, size)
  }
}

function badChunk(blob: BlobInfo, index: number, start: number, size: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_CORRUPT',
    `blob ${blob.blobId}: chunk ${index} of ${size} bytes at 0x${start.toString(16)} does not fit its neighbours`,
    { details: { blobId: blob.blobId, chunk: index, start, size, uncompressedSize: blob.uncompressedSize } },
  )
}
