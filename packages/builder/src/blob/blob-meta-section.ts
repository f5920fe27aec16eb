// SPDX-License-Identifier: Apache-2.0
/** The blob meta as a layer blob holds it: the chunk array, compressed where that helps, and its header. */
import { codecOf } from '@nydus/base/compress'
import {
  type BlobMetaHeader,
  type ChunkMeta,
  encodeBlobMetaHeader,
  encodeChunkMeta,
  isCompressedChunk,
} from '@nydus/rafs-format'
import { zstdOneShot } from '../chunk/chunk-compressor.ts'
import type { ChunkCompressor } from '../layer/build-options.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'

/** What is written, and what it says about itself. */
export interface MetaSection {
  /** The chunk array, uncompressed. */
  readonly array: Uint8Array
  /** The chunk array as stored. */
  readonly stored: Uint8Array
  readonly header: BlobMetaHeader
  readonly headerBytes: Uint8Array
}

/**
 * Describes all chunks of a blob.
 * @param features of the blob.
 * @param metaOffset where the section starts in the blob.
 */
export function encodeMetaSection(
  chunks: ChunkStore,
  compressor: ChunkCompressor,
  features: number,
  metaOffset: number,
): MetaSection {
  const array = encodeChunkMeta(
    1,
    Array.from({ length: chunks.count }, (_, i) => chunkMetaOf(chunks, i)),
  )
  const compressed = compressor === 'zstd' ? zstdOneShot(array) : codecOf(compressor).compress(array)
  const stored = compressed.length < array.length ? compressed : array
  const header: BlobMetaHeader = {
    features,
    compressor: stored === array ? 'none' : compressor,
    chunkCount: chunks.count,
    metaOffset,
    metaCompressedSize: stored.length,
    metaUncompressedSize: array.length,
    contextOffset: 0,
    contextSize: 0,
    contextCount: 0,
  }
  return { array, stored, header, headerBytes: encodeBlobMetaHeader(header) }
}

function chunkMetaOf(chunks: ChunkStore, index: number): ChunkMeta {
  const chunk = chunks.get(index)
  return {
    uncompressedOffset: chunk.uncompressedOffset,
    uncompressedSize: chunk.uncompressedSize,
    compressedOffset: chunk.compressedOffset,
    compressedSize: chunk.compressedSize,
    compressed: isCompressedChunk(chunk),
    encrypted: false,
  }
}
