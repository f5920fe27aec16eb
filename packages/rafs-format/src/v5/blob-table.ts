// SPDX-License-Identifier: Apache-2.0
/**
 * The blob table of a v5 bootstrap and the extended one, which has a record for each of its entries.
 *
 *   entry = readahead offset u32 · readahead size u32 · blob id · NUL (not behind the last) · zero pad to 8 at the end
 */
import { alignUp, ByteReader } from '@nydus/base/binary'
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import { asciiBytes } from '../byte-text.ts'
import { KNOWN_BLOB_FEATURES } from '../flags.ts'
import { V5_ALIGNMENT, V5ExtendedBlobEntry } from '../layout/v5.ts'
import type { BlobInfo } from '../v6/blob-table.ts'
import type { V5SuperBlock } from './superblock.ts'

/** Members that the blob table stores. */
export type V5BlobValue = Pick<BlobInfo, 'blobId' | 'readaheadOffset' | 'readaheadSize'>
/** Members that the extended blob table stores. */
export type V5ExtendedBlobValue = Pick<
  BlobInfo,
  'chunkCount' | 'features' | 'uncompressedSize' | 'compressedSize'
>

const ENTRY_HEAD_BYTES = 8
const NUL = 0
const MAX_COMPRESSED_BYTES = 2 ** 40
const MAX_UNCOMPRESSED_BYTES = 2 ** 44
// An id becomes a file name in cache directories, so nothing may lead out of them.
const SAFE_BLOB_ID = /^(?!\.{1,2}$)[\x21-\x2e\x30-\x7e]{1,128}$/

/** The blob table with its padding; no blobs give no bytes. */
export function encodeV5BlobTable(blobs: readonly V5BlobValue[]): Uint8Array {
  const used = blobs.reduce((sum, { blobId }) => sum + ENTRY_HEAD_BYTES + blobId.length + 1, 0) - 1
  const table = new Uint8Array(alignUp(Math.max(used, 0), V5_ALIGNMENT))
  const view = new DataView(table.buffer)
  let at = 0
  for (const { blobId, readaheadOffset = 0, readaheadSize = 0 } of blobs) {
    view.setUint32(at, readaheadOffset, true)
    view.setUint32(at + 4, readaheadSize, true)
    table.set(asciiBytes(blobId), at + ENTRY_HEAD_BYTES)
    at += ENTRY_HEAD_BYTES + blobId.length + 1
  }
  return table
}

/** The extended blob table: 64 bytes a blob. */
export function encodeV5ExtendedBlobTable(blobs: readonly V5ExtendedBlobValue[]): Uint8Array {
  return V5ExtendedBlobEntry.encodeTable(blobs)
}

/** What all blobs of a v5 image have in common. */
export interface V5BlobDefaults {
  readonly chunkSize: number
  readonly compressor: Compressor
  readonly digester: Digester
}

/**
 * Reads both tables. Where there is no extended table (builders before v1.1) sizes and chunk counts are 0: see `blobChunks`.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_CORRUPT, ERR_FORMAT_U64_OVERFLOW.
 */
export function decodeV5BlobTables(
  bytes: Uint8Array,
  superBlock: V5SuperBlock,
  defaults: V5BlobDefaults,
): readonly BlobInfo[] {
  const { blobTableOffset, blobTableSize, extendedBlobTableOffset, extendedBlobTableEntries } = superBlock
  const values = decodeEntries(bytes.subarray(blobTableOffset, blobTableOffset + blobTableSize))
  if (extendedBlobTableEntries > 0 && extendedBlobTableEntries < values.length) {
    throw corrupt(`extended blob table of ${extendedBlobTableEntries} entries for ${values.length} blobs`, {
      blobs: values.length,
      extendedBlobTableEntries,
    })
  }
  return values.map((value, blobIndex) => ({
    ...value,
    ...WITHOUT_META,
    ...defaults,
    ...(extendedBlobTableEntries === 0
      ? UNKNOWN_SIZES
      : decodeExtended(bytes, extendedBlobTableOffset, blobIndex)),
    blobIndex,
  }))
}

const UNKNOWN_SIZES: V5ExtendedBlobValue = {
  chunkCount: 0,
  features: 0,
  uncompressedSize: 0,
  compressedSize: 0,
}
/** v5 blobs have no blob meta that the bootstrap knows of. */
const WITHOUT_META = {
  tocSize: 0,
  tocDigest: new Uint8Array(32),
  metaCompressor: 'none',
  metaOffset: 0,
  metaCompressedSize: 0,
  metaUncompressedSize: 0,
  metaBlobDigest: new Uint8Array(32),
  metaBlobSize: 0,
  ivTail: new Uint8Array(8),
  cipher: 0,
} as const

function decodeEntries(table: Uint8Array): V5BlobValue[] {
  const reader = new ByteReader(table, 'blob table')
  const values: V5BlobValue[] = []
  while (reader.remaining > ENTRY_HEAD_BYTES) {
    const readaheadOffset = reader.u32()
    const readaheadSize = reader.u32()
    const rest = table.subarray(reader.offset)
    const end = rest.indexOf(NUL)
    const blobId = String.fromCharCode(...reader.bytes(end < 0 ? rest.length : end).subarray(0, 256))
    if (end >= 0) reader.skip(1)
    if (!SAFE_BLOB_ID.test(blobId)) {
      throw corrupt(`blob ${values.length}: bad id: ${JSON.stringify(blobId)}`, { blob: values.length })
    }
    values.push({ blobId, readaheadOffset, readaheadSize })
  }
  return values
}

function decodeExtended(bytes: Uint8Array, tableOffset: number, blobIndex: number): V5ExtendedBlobValue {
  const entry = V5ExtendedBlobEntry.decode(bytes, tableOffset + blobIndex * V5ExtendedBlobEntry.size)
  const { uncompressedSize, compressedSize } = entry
  if (uncompressedSize > MAX_UNCOMPRESSED_BYTES || compressedSize > MAX_COMPRESSED_BYTES) {
    throw corrupt(`blob ${blobIndex}: bad size: ${compressedSize} stored, ${uncompressedSize} uncompressed`, {
      blob: blobIndex,
      compressedSize,
      uncompressedSize,
    })
  }
  // The original drops bits that it does not know as well.
  return { ...entry, features: (entry.features & KNOWN_BLOB_FEATURES) >>> 0 }
}

function corrupt(message: string, details: Record<string, unknown>): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', message, { details })
}
