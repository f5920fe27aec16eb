// SPDX-License-Identifier: Apache-2.0
/** A whole blob decoded in memory: what a mount would have in its cache file. Not for zran and encrypted blobs. */
import { decompressExact } from '@nydus/base/compress'
import {
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  type BlobMetaHeader,
  decodeBlobMetaHeader,
  openBlobMeta,
} from '../src/index.ts'

/** The blob meta of a blob file and the plain chunk array it was opened on. */
export function blobMetaOf(
  info: BlobInfo,
  blob: Uint8Array,
): { meta: BlobMeta; header: BlobMetaHeader; headerBytes: Uint8Array; array: Uint8Array } {
  const { metaOffset, metaCompressedSize, metaCompressor, metaUncompressedSize } = info
  const end = metaOffset + metaCompressedSize
  const array = decompressExact(metaCompressor, blob.subarray(metaOffset, end), metaUncompressedSize)
  const headerBytes = blob.subarray(end, end + BLOB_META_HEADER_BYTES)
  const header = decodeBlobMetaHeader(headerBytes)
  return { meta: openBlobMeta(array, header), header, headerBytes, array }
}

/** The uncompressed blob. */
export function decodeBlob(info: BlobInfo, blob: Uint8Array): Uint8Array {
  const { meta } = blobMetaOf(info, blob)
  const whole = new Uint8Array(info.uncompressedSize)
  for (let i = 0; i < meta.chunkCount; i++) {
    const chunk = meta.chunk(i)
    whole.set(
      chunk.batch ? batchChunk(info, blob, meta, i) : plainChunk(info, blob, meta, i),
      chunk.uncompressedOffset,
    )
  }
  return whole
}

function plainChunk(info: BlobInfo, blob: Uint8Array, meta: BlobMeta, i: number): Uint8Array {
  const { compressedOffset, compressedSize, compressed, uncompressedSize } = meta.chunk(i)
  const stored = blob.subarray(compressedOffset, compressedOffset + compressedSize)
  return decompressExact(compressed ? info.compressor : 'none', stored, uncompressedSize)
}

function batchChunk(info: BlobInfo, blob: Uint8Array, meta: BlobMeta, i: number): Uint8Array {
  const { compressedOffset, uncompressedSize, batch } = meta.chunk(i)
  if (!batch) throw new Error(`chunk ${i} is in no batch`)
  const context = meta.batchContext(batch.context)
  const stored = blob.subarray(compressedOffset, compressedOffset + context.compressedSize)
  const raw = context.compressedSize === context.uncompressedSize
  const all = decompressExact(raw ? 'none' : info.compressor, stored, context.uncompressedSize)
  return all.subarray(batch.offset, batch.offset + uncompressedSize)
}
