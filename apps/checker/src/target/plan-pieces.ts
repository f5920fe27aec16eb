// SPDX-License-Identifier: Apache-2.0
/** The chunk records of one blob → the runs of stored bytes to decode, in the order they lie in the blob. */
import { type BlobInfo, type BlobMeta, type ChunkInfo, isCompressedChunk } from '@nydus/rafs-format'
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
  readonly chunks: PieceChunk[]
}

/** What `planPieces` makes of a blob. */
export interface PiecePlan {
  /** Ascending and free of overlaps. */
  readonly pieces: readonly Piece[]
  /** Chunks that cannot be decoded, with the reason. */
  readonly faults: ReadonlyMap<number, string>
}

const MAX_PIECE_BYTES = 1 << 24

/**
 * @param chunks records of the blob, any order; several records of one chunk count once.
 * @param meta needed for batched chunks only.
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
  const batches = new Map<number, Piece>()
  for (const chunk of new Map(chunks.map((record) => [record.chunkIndex, record])).values()) {
    const fault = pieceFault(blob, chunk)
    if (fault !== undefined) faults.set(chunk.chunkIndex, fault)
    else if (isBatched(chunk)) addToBatch(chunk, meta, batches, faults)
    else pieces.push(pieceOf(chunk))
  }
  pieces.push(...batches.values())
  pieces.sort((a, b) => a.offset - b.offset)
  return { pieces: withoutOverlaps(pieces, blobSize, faults), faults }
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
    chunks: [{ chunk, offset: 0 }],
  }
}

function pieceFault(blob: BlobInfo, chunk: ChunkInfo): string | undefined {
  if ((chunk.flags & CHUNK_FLAGS.ENCRYPTED) !== 0) return 'is encrypted, which cannot be checked yet'
  const limit = Math.min(MAX_PIECE_BYTES, blob.chunkSize)
  const { uncompressedSize: size } = chunk
  return size > limit ? `has ${size} bytes, more than the chunk size ${limit}` : undefined
}

function addToBatch(
  chunk: ChunkInfo,
  meta: BlobMeta | undefined,
  batches: Map<number, Piece>,
  faults: Map<number, string>,
): void {
  const record =
    meta !== undefined && chunk.chunkIndex < meta.chunkCount ? meta.chunk(chunk.chunkIndex) : undefined
  if (meta === undefined || record?.batch === undefined) {
    faults.set(chunk.chunkIndex, 'is in a batch, and the blob meta does not say which')
    return
  }
  const { context, offset } = record.batch
  let piece = batches.get(context)
  if (piece === undefined) {
    const { compressedSize: size, uncompressedSize } = meta.batchContext(context)
    piece = {
      offset: record.compressedOffset,
      size,
      uncompressedSize,
      compressed: size !== uncompressedSize,
      chunks: [],
    }
    batches.set(context, piece)
  }
  piece.chunks.push({ chunk, offset })
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
          : piece.offset < end
            ? `overlaps the chunk before it, at ${at}`
            : undefined
    if (fault === undefined) {
      kept.push(piece)
      end = piece.offset + piece.size
    } else for (const { chunk } of piece.chunks) faults.set(chunk.chunkIndex, fault)
  }
  return kept
}
