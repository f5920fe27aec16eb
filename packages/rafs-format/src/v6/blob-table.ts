// SPDX-License-Identifier: Apache-2.0
/** The blob table of a v6 bootstrap: 256 bytes a blob. */
import { checkRange } from '@nydus/base/binary'
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import { chunkMetaSize } from '../blob/chunk-meta.ts'
import { quotedText } from '../byte-text.ts'
import {
  BLOB_FEATURES,
  COMPRESSOR_IDS,
  checkBlobFeatures,
  compressorFromId,
  DIGESTER_IDS,
  digesterFromId,
} from '../flags.ts'
import { V6BlobEntry } from '../layout/v6.ts'
import { CIPHER_IDS } from './blob-cipher.ts'

/** What the bootstrap knows about a blob. */
export interface BlobInfo {
  /** Up to 64 characters, usually hex; 64 × `x` in the bootstrap inside its own blob. */
  readonly blobId: string
  /** Position in the blob table. */
  readonly blobIndex: number
  /** Bytes; the file system's chunk size. */
  readonly chunkSize: number
  readonly chunkCount: number
  /** Of the chunks. */
  readonly compressor: Compressor
  readonly digester: Digester
  /** BLOB_FEATURES. */
  readonly features: number
  /** Bytes of the blob file, or what was written of it before the bootstrap. */
  readonly compressedSize: number
  /** Bytes of the uncompressed blob, which is the cache file. */
  readonly uncompressedSize: number
  /** Bytes of the ToC with its tar trailer, 0 if unknown. */
  readonly tocSize: number
  /** SHA-256 of the ToC with its tar trailer, 32 bytes, zero if unknown. */
  readonly tocDigest: Uint8Array
  /** How the blob meta's chunk array is stored. */
  readonly metaCompressor: Compressor
  /** Of the stored chunk array in the blob. */
  readonly metaOffset: number
  /** Bytes as stored. */
  readonly metaCompressedSize: number
  /** Bytes: chunk records and contexts. */
  readonly metaUncompressedSize: number
  /** SHA-256 of a separate meta blob, or the AES key; 32 bytes. */
  readonly metaBlobDigest: Uint8Array
  /** Bytes of a separate meta blob, else 0. */
  readonly metaBlobSize: number
  /** IV bytes 0..7 of an encrypted blob, absent for others. */
  readonly ivHead?: Uint8Array
  /** IV bytes 8..15 of an encrypted blob, else 8 zero bytes. */
  readonly ivTail: Uint8Array
  /** CIPHER_IDS; `blobCipher` has key and IV. */
  readonly cipher: number
  /** RAFS v5 only: where in the blob the data to fetch ahead starts; no builder writes anything but 0. */
  readonly readaheadOffset?: number
  /** RAFS v5 only: bytes of it, 0 for none. */
  readonly readaheadSize?: number
}

/** Bytes of one table entry. */
export const BLOB_ENTRY_BYTES: number = V6BlobEntry.size
const IV_HEAD_BYTES = 8
const MAX_CHUNK_COUNT = 2 ** 24
const MAX_COMPRESSED_BYTES = 2 ** 40
const MAX_UNCOMPRESSED_BYTES = 2 ** 44
// An id becomes a file name in cache directories, so nothing may lead out of them.
const SAFE_BLOB_ID = /^(?!\.{1,2}$)[\x21-\x2e\x30-\x7e]{1,64}$/

/** Entries back to back. */
export function encodeBlobTable(blobs: readonly BlobInfo[]): Uint8Array {
  return V6BlobEntry.encodeTable(
    blobs.map((blob) => ({
      ...blob,
      metaBlobSize: blob.ivHead ? readU64(blob.ivHead) : BigInt(blob.metaBlobSize),
      compressor: COMPRESSOR_IDS[blob.compressor],
      metaCompressor: COMPRESSOR_IDS[blob.metaCompressor],
      digester: DIGESTER_IDS[blob.digester],
    })),
  )
}

/**
 * Reads and checks `count` entries at `offset`. Byte members are views into `bytes`.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE, ERR_FORMAT_CORRUPT, ERR_FORMAT_UNSUPPORTED_FEATURE,
 *   ERR_FORMAT_UNSUPPORTED_COMPRESSION, ERR_FORMAT_U64_OVERFLOW.
 */
export function decodeBlobTable(
  bytes: Uint8Array,
  offset: number,
  count: number,
  chunkSize: number,
): readonly BlobInfo[] {
  checkRange(offset, count * V6BlobEntry.size, bytes.length, 'blob table')
  return Array.from({ length: count }, (_, i) =>
    decodeEntry(bytes, offset + i * V6BlobEntry.size, i, chunkSize),
  )
}

function decodeEntry(bytes: Uint8Array, offset: number, position: number, chunkSize: number): BlobInfo {
  const entry = V6BlobEntry.decode(bytes, offset)
  const encrypted = entry.cipher !== 0
  const ivHeadAt = offset + V6BlobEntry.offsets.metaBlobSize
  const blob: BlobInfo = {
    ...entry,
    metaBlobSize: encrypted ? 0 : Number(entry.metaBlobSize),
    ...(encrypted && { ivHead: bytes.subarray(ivHeadAt, ivHeadAt + IV_HEAD_BYTES) }),
    compressor: compressorFromId(entry.compressor),
    metaCompressor: compressorFromId(entry.metaCompressor),
    digester: digesterFromId(entry.digester),
  }
  checkBlobFeatures(blob.features, `blob ${position}`)
  requireThat(SAFE_BLOB_ID.test(blob.blobId), position, 'id', quotedText(blob.blobId))
  requireThat(blob.blobIndex === position, position, 'index', blob.blobIndex)
  requireThat(
    blob.chunkSize === chunkSize,
    position,
    `chunk size (file system: ${chunkSize})`,
    blob.chunkSize,
  )
  requireThat(blob.chunkCount <= MAX_CHUNK_COUNT, position, 'chunk count', blob.chunkCount)
  requireThat(blob.compressedSize <= MAX_COMPRESSED_BYTES, position, 'compressed size', blob.compressedSize)
  requireThat(
    blob.uncompressedSize <= MAX_UNCOMPRESSED_BYTES,
    position,
    'uncompressed size',
    blob.uncompressedSize,
  )
  requireThat(blob.metaBlobSize <= MAX_COMPRESSED_BYTES, position, 'meta blob size', blob.metaBlobSize)
  requireThat(blob.cipher <= CIPHER_IDS.aes_128_xts, position, 'cipher', blob.cipher)
  checkMetaSizes(blob)
  return blob
}

function readU64(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true)
}

function checkMetaSizes(blob: BlobInfo): void {
  const { features, metaUncompressedSize, metaCompressedSize, chunkCount, blobIndex } = blob
  const has = (bits: number): boolean => (features & bits) !== 0
  const tarfs = has(BLOB_FEATURES.TARFS)
  const contexts = has(BLOB_FEATURES.ZRAN | BLOB_FEATURES.BATCH | BLOB_FEATURES.ENCRYPTED)
  const version2 = has(BLOB_FEATURES.CHUNK_INFO_V2)
  const named = `0x${features.toString(16)}`
  requireThat(tarfs !== has(BLOB_FEATURES.ALIGNED), blobIndex, 'features', named)
  requireThat(version2 || !contexts, blobIndex, 'features', named)
  const storable = metaCompressedSize <= metaUncompressedSize
  requireThat(storable, blobIndex, 'meta size as stored', metaCompressedSize)
  // Both have a chunk count of their own: tarfs blobs no array, dictionaries fewer chunks than their blob.
  if (!version2 && (tarfs || has(BLOB_FEATURES.IS_CHUNKDICT_GENERATED))) return
  const records = chunkCount * chunkMetaSize(version2 ? 2 : 1)
  const fits = contexts ? metaUncompressedSize >= records : metaUncompressedSize === records
  requireThat(fits, blobIndex, `meta size (${chunkCount} chunks need ${records})`, metaUncompressedSize)
}

function requireThat(holds: boolean, position: number, what: string, found: unknown): void {
  if (holds) return
  throw new FormatError('ERR_FORMAT_CORRUPT', `blob ${position}: bad ${what}: ${found}`, {
    details: { blob: position, found },
  })
}
