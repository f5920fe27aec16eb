// SPDX-License-Identifier: Apache-2.0
/** Stored bytes → verified chunks. Pure: no I/O, no state. */
import { crc32c, equalBytes } from '@nydus/base/binary'
import { type Compressor, decompressExact } from '@nydus/base/compress'
import { type Digester, digestBytes } from '@nydus/base/digest'
import { DigestError, FormatError } from '@nydus/base/error'
import type { BlobMeta, ChunkMeta } from '@nydus/rafs-format'
import type { FetchUnit } from './plan-fetch.ts'

/** Gives the digest that a chunk must have, if it is known. */
export type ExpectedDigest = (chunkIndex: number) => Uint8Array | undefined

/** What is needed to decode chunks of a blob besides their bytes. */
export interface DecodeContext {
  readonly blobId: string
  readonly meta: BlobMeta
  readonly compressor: Compressor
  readonly digester: Digester
  readonly expectedDigest: ExpectedDigest
}

/** A batch holds at most one maximal chunk's worth of bytes. */
const MAX_BATCH_BYTES = 1 << 24

/** @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE for chunks this version cannot decode. */
export function checkDecodable(blobId: string, index: number, chunk: ChunkMeta): void {
  const feature = chunk.zran ? 'zran' : chunk.encrypted ? 'encrypted' : undefined
  if (feature === undefined) return
  throw new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', `blob ${blobId}: chunk ${index} is ${feature}`, {
    details: { blobId, chunk: index, feature },
    hint: `reading ${feature} blobs is not supported yet`,
  })
}

/**
 * Decodes the chunks `unit.first` … `unit.last`, in order, and verifies each of them.
 * @param stored exactly the unit's bytes.
 * @returns one array a chunk; raw chunks are views into `stored`.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED, _TOO_LARGE, ERR_SIZE_MISMATCH, ERR_DIGEST_MISMATCH: the bytes are wrong.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE, ERR_FORMAT_CORRUPT: the blob meta is wrong.
 */
export function decodeUnit(
  context: DecodeContext,
  unit: FetchUnit,
  stored: Uint8Array,
): readonly Uint8Array[] {
  const { meta } = context
  const batch = meta.chunk(unit.first).batch
  const whole = batch === undefined ? undefined : decodeBatch(context, batch.context, stored)
  const chunks: Uint8Array[] = []
  for (let index = unit.first; index <= unit.last; index++) {
    const chunk = meta.chunk(index)
    checkDecodable(context.blobId, index, chunk)
    const bytes = whole === undefined ? decodePlain(context, chunk, stored) : sliceBatch(whole, index, chunk)
    verify(context, index, chunk, bytes)
    chunks.push(bytes)
  }
  return chunks
}

function decodePlain(context: DecodeContext, chunk: ChunkMeta, stored: Uint8Array): Uint8Array {
  return decompressExact(chunk.compressed ? context.compressor : 'none', stored, chunk.uncompressedSize)
}

function decodeBatch(context: DecodeContext, index: number, stored: Uint8Array): Uint8Array {
  const { compressedSize, uncompressedSize } = context.meta.batchContext(index)
  if (uncompressedSize > MAX_BATCH_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_OUT_OF_RANGE',
      `blob ${context.blobId}: batch ${index} has ${uncompressedSize} bytes`,
      {
        details: { blobId: context.blobId, batch: index, uncompressedSize, limit: MAX_BATCH_BYTES },
      },
    )
  }
  const raw = compressedSize === uncompressedSize
  return decompressExact(raw ? 'none' : context.compressor, stored, uncompressedSize)
}

function sliceBatch(batch: Uint8Array, index: number, chunk: ChunkMeta): Uint8Array {
  const offset = chunk.batch?.offset ?? 0
  const bytes = batch.subarray(offset, offset + chunk.uncompressedSize)
  if (bytes.length === chunk.uncompressedSize) return bytes
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `chunk ${index} reaches beyond its batch of ${batch.length} bytes`,
    {
      details: { chunk: index, offset, size: chunk.uncompressedSize, batch: batch.length },
    },
  )
}

/**
 * A digest proves more than a CRC and is faster to compute here (measured on 1 MiB: BLAKE3 9.5, SHA-256 1.9,
 * CRC-32C 1.1 GB/s), so the CRC only counts where no digest is known.
 */
function verify(context: DecodeContext, index: number, chunk: ChunkMeta, bytes: Uint8Array): void {
  const digest = context.expectedDigest(index)
  if (digest !== undefined) {
    if (equalBytes(digestBytes(context.digester, bytes), digest)) return
    throw mismatch(context.blobId, index, context.digester)
  }
  if (chunk.crc32c !== undefined && crc32c(bytes) !== chunk.crc32c)
    throw mismatch(context.blobId, index, 'crc32c')
}

function mismatch(blobId: string, chunk: number, algorithm: string): DigestError {
  return new DigestError(
    'ERR_DIGEST_MISMATCH',
    `blob ${blobId}: chunk ${chunk} does not have its ${algorithm}`,
    {
      details: { blobId, chunk, algorithm },
      hint: 'the blob was damaged on its way or where it is stored',
    },
  )
}
