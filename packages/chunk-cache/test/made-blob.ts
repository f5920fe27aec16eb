// SPDX-License-Identifier: Apache-2.0
/** Small blobs made on the spot, whose every byte a test knows. */
import { alignUp, crc32c } from '@nydus/base/binary'
import { type Compressor, codecOf } from '@nydus/base/compress'
import { digestBytes } from '@nydus/base/digest'
import {
  BLOB_FEATURES,
  type BlobInfo,
  type ChunkMeta,
  encodeBlobMetaHeader,
  encodeChunkMeta,
  formatBlobMetaFile,
} from '@nydus/rafs-format'

export interface MadeBlob {
  readonly blob: BlobInfo
  /** The stored blob: chunks, chunk array, header. */
  readonly bytes: Uint8Array
  /** The uncompressed blob. */
  readonly plain: Uint8Array
  readonly chunks: readonly ChunkMeta[]
  readonly digests: readonly Uint8Array[]
  /** Bytes of `<id>.blob.meta`. */
  readonly metaFile: Uint8Array
}

export const BLOB_ID = 'ab'.repeat(32)

/** Chunk `i` holds pseudo-random bytes made from `seed`. */
export function randomChunk(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed * 2654435761 + 1
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export function makeBlob(
  contents: readonly Uint8Array[],
  options: { compressor?: Compressor; crc?: boolean; chunkSize?: number } = {},
): MadeBlob {
  const { compressor = 'none', crc = false, chunkSize = 1 << 20 } = options
  const stored: Uint8Array[] = []
  const chunks: ChunkMeta[] = []
  let compressedOffset = 0
  let uncompressedOffset = 0
  for (const content of contents) {
    const packed = codecOf(compressor).compress(content)
    const compressed = packed.length < content.length
    const bytes = compressed ? packed : content
    chunks.push({
      uncompressedOffset,
      uncompressedSize: content.length,
      compressedOffset,
      compressedSize: bytes.length,
      compressed,
      encrypted: false,
      ...(crc && { crc32c: crc32c(content) }),
    })
    stored.push(bytes)
    compressedOffset += bytes.length
    uncompressedOffset += alignUp(content.length, 4096)
  }
  const array = encodeChunkMeta(crc ? 2 : 1, chunks)
  const shape = {
    features: BLOB_FEATURES.ALIGNED | BLOB_FEATURES.CAP_TAR_TOC | (crc ? BLOB_FEATURES.CHUNK_INFO_V2 : 0),
    chunkCount: chunks.length,
    metaOffset: compressedOffset,
    metaCompressedSize: array.length,
    metaUncompressedSize: array.length,
  }
  const header = { ...shape, compressor: 'none' as const, contextOffset: 0, contextSize: 0, contextCount: 0 }
  const bytes = new Uint8Array(Buffer.concat([...stored, array, encodeBlobMetaHeader(header)]))
  const plain = new Uint8Array(uncompressedOffset)
  for (const [i, content] of contents.entries()) plain.set(content, chunks[i]?.uncompressedOffset ?? 0)
  return {
    blob: {
      ...shape,
      blobId: BLOB_ID,
      blobIndex: 0,
      chunkSize,
      compressor,
      digester: 'blake3',
      compressedSize: bytes.length,
      uncompressedSize: uncompressedOffset,
      tocSize: 0,
      tocDigest: new Uint8Array(32),
      metaCompressor: 'none',
      metaBlobDigest: new Uint8Array(32),
      metaBlobSize: 0,
      ivTail: new Uint8Array(8),
      cipher: 0,
    },
    bytes,
    plain,
    chunks,
    digests: contents.map((content) => digestBytes('blake3', content)),
    metaFile: formatBlobMetaFile(array, header),
  }
}
