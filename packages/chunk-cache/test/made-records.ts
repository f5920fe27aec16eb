// SPDX-License-Identifier: Apache-2.0
/** Made blobs as a bootstrap without blob meta describes them. */
import type { BlobInfo, ChunkInfo } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import type { MadeBlob } from './made-blob.ts'

/** The blob's entry without blob meta, and its chunk records, packed without padding. */
export function asRecords(made: MadeBlob): {
  blob: BlobInfo
  records: readonly ChunkInfo[]
  plain: Uint8Array
} {
  let uncompressedOffset = 0
  const records = made.chunks.map((chunk, chunkIndex): ChunkInfo => {
    const record = {
      ...{ digest: made.digests[chunkIndex] ?? new Uint8Array(32), blobIndex: 0, fileOffset: 0, crc32c: 0 },
      ...{ chunkIndex, uncompressedOffset, uncompressedSize: chunk.uncompressedSize },
      ...{ compressedOffset: chunk.compressedOffset, compressedSize: chunk.compressedSize },
      flags: chunk.compressed ? CHUNK_FLAGS.COMPRESSED : 0,
    }
    uncompressedOffset += chunk.uncompressedSize
    return record
  })
  const plain = made.chunks.map((chunk) =>
    made.plain.subarray(chunk.uncompressedOffset, chunk.uncompressedOffset + chunk.uncompressedSize),
  )
  return {
    blob: {
      ...made.blob,
      ...{ features: 0, metaOffset: 0, metaCompressedSize: 0, metaUncompressedSize: 0 },
      uncompressedSize: uncompressedOffset,
    },
    records,
    plain: Buffer.concat(plain),
  }
}
