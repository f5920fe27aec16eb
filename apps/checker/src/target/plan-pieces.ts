// SPDX-License-Identifier: Apache-2.0
/** The chunk records of one blob → the runs of stored bytes to decode, in the order they lie in the blob. */
import {
  type BlobInfo,
  type BlobMeta,
  type ChunkInfo,
  type ChunkMeta,
  isCompressedChunk,
  isLegacyStargz,
  legacyStargzReadSize,
  type ZranContext,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'

/** A chunk inside a piece. */
export interface PieceChunk {
  readonly chunk: ChunkInfo
  /** Where it starts in the decoded piece. */
  readonly offset: number
}

/** Stored bytes that decode as one. */
export interface Piece {
  /** In the blob. */
  readonly offset: number
  /** Bytes as stored. */
  readonly size: number
  readonly uncompressedSize: number
  readonly compressed: boolean
  readonly encrypted: boolean
  /** Where raw inflate starts inside a gzip stream, and the bytes before it. */
  readonly zran?: { readonly point: ZranContext; readonly dictionary: Uint8Array }
  /** A gzip member with other bytes behind it. */
  readonly isStargz: boolean
  readonly chunks: PieceChunk[]
}

/** What `planPieces` makes of a blob. */
export interface PiecePlan {
  /** Ascending by offset. Only pieces whose size is not known exactly, and zran contexts, overlap. */
  readonly pieces: readonly Piece[]
  /** Chunks that cannot be decoded, with the reason. */
  readonly faults: ReadonlyMap<number, string>
}

const MAX_PIECE_BYTES = 1 << 24

/**
 * @param chunks records of the blob, any order; several records of one chunk count once.
 * @param meta needed for batched chunks and zran contexts only.
 * @param blobSize bytes of the blob as stored.
 */
export function planPieces(
  blob: BlobInfo,
  chunks: readonly ChunkInfo[],
  meta: BlobMeta | undefined,
  blobSize: number,
): PiecePlan {
  const faults = new Map<number, string>()
  const pieces: Piece[] = []
  const contexts = new Map<string, Piece>()
  const isStargz = isLegacyStargz(blob)
  for (const chunk of new Map(chunks.map((record) => [record.chunkIndex, record])).values()) {
    const fault = pieceFault(blob, chunk)
    const record = recordOf(meta, chunk)
    if (fault !== undefined) faults.set(chunk.chunkIndex, fault)
    else if (meta !== undefined && record?.zran !== undefined) addToContext(chunk, meta, record, contexts)
    else if (meta !== undefined && record?.batch !== undefined) addToContext(chunk, meta, record, contexts)
    else if (isStargz) pieces.push(stargzPiece(chunk, blobSize))
    else if (isBatched(chunk))
      faults.set(chunk.chunkIndex, 'is in a batch, and the blob meta does not say which')
    else pieces.push(pieceOf(chunk))
  }
  pieces.push(...contexts.values())
  pieces.sort((a, b) => a.offset - b.offset)
  return { pieces: withoutOverlaps(pieces, blobSize, faults), faults }
}

function recordOf(meta: BlobMeta | undefined, { chunkIndex }: ChunkInfo): ChunkMeta | undefined {
  return meta !== undefined && chunkIndex < meta.chunkCount ? meta.chunk(chunkIndex) : undefined
}

/** The original leaves the stored size of batched chunks 0, and not all of them have the flag. */
function isBatched(chunk: ChunkInfo): boolean {
  return (chunk.flags & CHUNK_FLAGS.BATCH) !== 0 || chunk.compressedSize === 0
}

function pieceOf(chunk: ChunkInfo): Piece {
  return {
    offset: chunk.compressedOffset,
    size: chunk.compressedSize,
    uncompressedSize: chunk.uncompressedSize,
    compressed: isCompressedChunk(chunk),
    encrypted: (chunk.flags & CHUNK_FLAGS.ENCRYPTED) !== 0,
    isStargz: false,
    chunks: [{ chunk, offset: 0 }],
  }
}

function stargzPiece(chunk: ChunkInfo, blobSize: number): Piece {
  const size = legacyStargzReadSize(chunk.uncompressedSize, Math.max(0, blobSize - chunk.compressedOffset))
  return { ...pieceOf(chunk), size, compressed: true, isStargz: true }
}

function pieceFault(blob: BlobInfo, chunk: ChunkInfo): string | undefined {
  const limit = Math.min(MAX_PIECE_BYTES, blob.chunkSize)
  const { uncompressedSize: size } = chunk
  return size > limit ? `has ${size} bytes, more than the chunk size ${limit}` : undefined
}

function addToContext(
  chunk: ChunkInfo,
  meta: BlobMeta,
  record: ChunkMeta,
  contexts: Map<string, Piece>,
): void {
  const { batch, zran } = record
  const key = zran === undefined ? `batch ${batch?.context}` : `zran ${zran.context}`
  const piece =
    contexts.get(key) ??
    (zran === undefined ? batchPiece(meta, record, batch?.context ?? 0) : zranPiece(meta, zran.context))
  contexts.set(key, piece)
  piece.chunks.push({ chunk, offset: (zran ?? batch)?.offset ?? 0 })
}

function batchPiece(meta: BlobMeta, record: ChunkMeta, context: number): Piece {
  const { compressedSize: size, uncompressedSize } = meta.batchContext(context)
  return {
    ...{ offset: record.compressedOffset, size, uncompressedSize, chunks: [] },
    ...{ compressed: size !== uncompressedSize, encrypted: record.encrypted, isStargz: false },
  }
}

function zranPiece(meta: BlobMeta, context: number): Piece {
  const point = meta.zranContext(context)
  return {
    ...{ offset: point.inOffset, size: point.inSize, uncompressedSize: point.outSize, chunks: [] },
    ...{ compressed: true, encrypted: false, isStargz: false },
    zran: { point, dictionary: meta.zranDictionary(point) },
  }
}

function withoutOverlaps(
  sorted: readonly Piece[],
  blobSize: number,
  faults: Map<number, string>,
): readonly Piece[] {
  const kept: Piece[] = []
  let end = 0
  for (const piece of sorted) {
    const at = `0x${piece.offset.toString(16)}`
    const fault =
      piece.size > MAX_PIECE_BYTES || piece.uncompressedSize > MAX_PIECE_BYTES
        ? `has ${piece.size} stored bytes at ${at}`
        : piece.offset + piece.size > blobSize
          ? `ends behind the blob's ${blobSize} bytes, at ${at}`
          : piece.offset < end && piece.zran === undefined && !piece.isStargz
            ? `overlaps the chunk before it, at ${at}`
            : undefined
    if (fault === undefined) {
      kept.push(piece)
      end = Math.max(end, piece.offset + piece.size)
    } else for (const { chunk } of piece.chunks) faults.set(chunk.chunkIndex, fault)
  }
  return kept
}
