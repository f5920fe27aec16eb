// SPDX-License-Identifier: Apache-2.0
/** The blob meta as a layer blob holds it: the chunk array, compressed where that helps, and its header. */
import { type CipherContext, encryptXts } from '@nydus/base/cipher'
import { codecOf, decompressExact } from '@nydus/base/compress'
import {
  type BlobMetaHeader,
  type ChunkArrayParts,
  encodeBlobMetaHeader,
  encodeChunkArray,
} from '@nydus/rafs-format'
import { zstdOneShot } from '../chunk/chunk-compressor.ts'
import type { ChunkCompressor } from '../layer/build-options.ts'

/** What is written, and what it says about itself. */
export interface MetaSection {
  /** The chunk array with its contexts, neither compressed nor encrypted: decoded when it is asked for. */
  readonly array: Uint8Array
  /** The chunk array as stored. */
  readonly stored: Uint8Array
  readonly header: BlobMetaHeader
  readonly headerBytes: Uint8Array
  /** The header as stored. */
  readonly storedHeader: Uint8Array
}

/** How the section is stored. */
export interface MetaSectionPlace {
  readonly compressor: ChunkCompressor
  /** BLOB_FEATURES of the blob. */
  readonly features: number
  /** Where the section starts in the blob. */
  readonly metaOffset: number
  readonly cipher?: CipherContext | undefined
}

/** Describes all chunks of a blob. */
export function encodeMetaSection(parts: ChunkArrayParts, place: MetaSectionPlace): MetaSection {
  const { cipher, features, metaOffset } = place
  const { bytes: array, ...counts } = encodeChunkArray(parts)
  const packed = pack(array, place.compressor)
  const stored = cipher === undefined ? packed.bytes : encryptXts(packed.bytes, cipher)
  const header: BlobMetaHeader = {
    ...counts,
    features,
    compressor: packed.compressor,
    metaOffset,
    metaCompressedSize: stored.length,
    metaUncompressedSize: array.length,
  }
  const headerBytes = encodeBlobMetaHeader(header)
  const storedHeader = cipher === undefined ? headerBytes : encryptXts(headerBytes, cipher)
  return sectionOf(packed, { stored, header, headerBytes, storedHeader })
}

interface Packed {
  readonly compressor: ChunkCompressor
  readonly bytes: Uint8Array
}

function pack(array: Uint8Array, compressor: ChunkCompressor): Packed {
  const compressed = compressor === 'zstd' ? zstdOneShot(array) : codecOf(compressor).compress(array)
  if (compressed.length >= array.length) return { compressor: 'none', bytes: array }
  // A copy, without the room that the compressor had.
  return { compressor, bytes: new Uint8Array(compressed) }
}

/** Not inside `encodeMetaSection`, where the getter would hold the array: 16 MB for a million chunks. */
function sectionOf({ compressor, bytes }: Packed, stored: Omit<MetaSection, 'array'>): MetaSection {
  const size = stored.header.metaUncompressedSize
  return {
    ...stored,
    get array() {
      return decompressExact(compressor, bytes, size)
    },
  }
}
