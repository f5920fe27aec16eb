// SPDX-License-Identifier: Apache-2.0
/** One pass over a blob: its digest, and every chunk decoded and digested. Nothing of it is kept. */
import { equalBytes } from '@nydus/base/binary'
import { type CipherContext, decryptXts } from '@nydus/base/cipher'
import { type Compressor, decompressExact, gzipHeaderSize, inflateContext } from '@nydus/base/compress'
import { type Digester, digestBytes } from '@nydus/base/digest'
import { describeError, FormatError, isNydusError } from '@nydus/base/error'
import { isContentError } from '../content-error.ts'
import { cutStream } from './cut-stream.ts'
import type { Piece, PieceChunk, PiecePlan } from './plan-pieces.ts'

/** What one blob was found to be. */
export interface BlobProof {
  /** Chunks that do not have their digest, with the reason; all others of the plan have it. */
  readonly badChunks: ReadonlyMap<number, string>
  /** Chunks that have their digest. */
  readonly goodChunkCount: number
  /** What is wrong with the blob as a whole: its digest, its size, or that it is not there. */
  readonly fault: string | undefined
}

/** How chunks of a blob are coded. */
export interface BlobCoding {
  readonly compressor: Compressor
  readonly digester: Digester
  /** Of an encrypted blob. */
  readonly cipher?: CipherContext | undefined
}

/**
 * Reads `stream` once.
 * @param stream the stored blob, verified against its digest and size.
 * @throws what the stream throws for other reasons than wrong or missing content.
 */
export async function verifyBlob(
  stream: AsyncIterable<Uint8Array>,
  plan: PiecePlan,
  coding: BlobCoding,
): Promise<BlobProof> {
  const badChunks = new Map(plan.faults)
  const pending = new Set(plan.pieces)
  let goodChunkCount = 0
  let fault: string | undefined
  try {
    for await (const { cut, bytes } of cutStream(stream, plan.pieces)) {
      pending.delete(cut)
      goodChunkCount += verifyPiece(cut, bytes, coding, badChunks)
    }
  } catch (error) {
    if (!isContentError(error)) throw error
    fault = describeError(error)
  }
  for (const piece of pending)
    for (const { chunk } of piece.chunks) badChunks.set(chunk.chunkIndex, 'could not be read')
  return { badChunks, goodChunkCount, fault }
}

/** @returns how many chunks of the piece are good. */
function verifyPiece(piece: Piece, stored: Uint8Array, coding: BlobCoding, bad: Map<number, string>): number {
  let plain: Uint8Array
  try {
    plain = decodePiece(piece, stored, coding)
  } catch (error) {
    if (!isNydusError(error)) throw error
    for (const { chunk } of piece.chunks) bad.set(chunk.chunkIndex, `does not decode: ${error.message}`)
    return 0
  }
  let good = 0
  for (const { chunk, offset } of piece.chunks) {
    const fault = chunkFault({ chunk, offset }, plain, coding.digester)
    if (fault === undefined) good += 1
    else bad.set(chunk.chunkIndex, fault)
  }
  return good
}

function decodePiece(piece: Piece, stored: Uint8Array, { compressor, cipher }: BlobCoding): Uint8Array {
  const { uncompressedSize, zran } = piece
  if (zran !== undefined) {
    const { unusedBits: bits, previousByte: byte } = zran.point
    return inflateContext(stored, { bits, byte, dictionary: zran.dictionary, outLength: uncompressedSize })
  }
  if (piece.isStargz) {
    const member = stored.subarray(gzipHeaderSize(stored) ?? stored.length)
    return inflateContext(member, {
      bits: 0,
      byte: 0,
      dictionary: new Uint8Array(),
      outLength: uncompressedSize,
    })
  }
  if (piece.encrypted && cipher === undefined)
    throw new FormatError('ERR_FORMAT_CORRUPT', 'encrypted, and the blob has no key')
  const plain = piece.encrypted && cipher !== undefined ? decryptXts(stored, cipher) : stored
  return decompressExact(piece.compressed ? compressor : 'none', plain, uncompressedSize)
}

function chunkFault(
  { chunk, offset }: PieceChunk,
  plain: Uint8Array,
  digester: Digester,
): string | undefined {
  const bytes = plain.subarray(offset, offset + chunk.uncompressedSize)
  if (bytes.length !== chunk.uncompressedSize) return 'reaches beyond its context'
  return equalBytes(digestBytes(digester, bytes), chunk.digest)
    ? undefined
    : `does not have its ${digester} digest`
}
