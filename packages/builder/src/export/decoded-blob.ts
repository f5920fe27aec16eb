// SPDX-License-Identifier: Apache-2.0
/** A decoded blob piece by piece, in the order of its bytes: what a complete cache file holds. */
import { decompressExact } from '@nydus/base/compress'
import { FormatError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  type BlobInfo,
  type Bootstrap,
  type ChunkMeta,
  hasBlobMeta,
  openBlobMeta,
} from '@nydus/rafs-format'
import type { ChunkReader } from '../chunk-reader.ts'
import { inOrder } from './read-ahead.ts'

/** Bytes of a decoded blob. */
export interface DecodedPiece {
  /** In the decoded blob. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Bytes of a tarfs blob that are read at a time. */
const RAW_READ_BYTES = 1 << 20
/** Chunks and their contexts take less; a blob meta that claims more is not believed. */
const MAX_META_BYTES_PER_CHUNK = 64
/** Chunks whose bytes stand alone in the blob. */
const SHARED_FEATURES = BLOB_FEATURES.ZRAN | BLOB_FEATURES.BATCH | BLOB_FEATURES.ENCRYPTED

/**
 * All chunks of blob `blobIndex`, offsets ascending, several of them read ahead. Chunks that no file refers to are part of
 * it where the blob itself tells of them: blob metas in other blobs, or encrypted ones, are not asked.
 * @throws {FormatError} for a blob meta that does not fit, {DigestError} for damaged chunks, and what `reader` throws.
 */
export async function* decodedPieces(
  bootstrap: Bootstrap,
  blobIndex: number,
  reader: ChunkReader,
  signal?: AbortSignal,
): AsyncGenerator<DecodedPiece> {
  const blob = bootstrap.blobs[blobIndex] as BlobInfo
  const reads =
    (blob.features & BLOB_FEATURES.TARFS) !== 0
      ? rawReads(blob, reader, signal)
      : await chunkReads(bootstrap, blob, reader, signal)
  yield* inOrder(reads)
}

type Read = () => Promise<DecodedPiece>

function* rawReads(
  { blobIndex, uncompressedSize: size }: BlobInfo,
  reader: ChunkReader,
  signal: AbortSignal | undefined,
): Generator<Read> {
  for (let at = 0; at < size; at += RAW_READ_BYTES) {
    const range = { offset: at, length: Math.min(RAW_READ_BYTES, size - at) }
    yield async () => ({ offset: at, bytes: await reader.readStored(blobIndex, range, signal) })
  }
}

async function chunkReads(
  bootstrap: Bootstrap,
  blob: BlobInfo,
  reader: ChunkReader,
  signal: AbortSignal | undefined,
): Promise<readonly Read[]> {
  const chunks = new Map<number, readonly [offset: number, read: Read]>()
  for (const chunk of bootstrap.chunkTable()) {
    if (chunk.blobIndex !== blob.blobIndex) continue
    const offset = chunk.uncompressedOffset
    const read = async () => ({ offset, bytes: await reader.readChunk(blob.blobIndex, chunk, signal) })
    chunks.set(chunk.chunkIndex, [offset, read])
  }
  for (const [chunkIndex, meta] of await unusedChunks(blob, chunks, reader, signal)) {
    const offset = meta.uncompressedOffset
    const read = async () => ({ offset, bytes: await readUnused(blob, meta, reader, signal) })
    chunks.set(chunkIndex, [offset, read])
  }
  return [...chunks.values()].sort(([a], [b]) => a - b).map(([, read]) => read)
}

/** Chunks that the blob has and no file uses. Most images have none, and their blob metas are not read. */
async function unusedChunks(
  blob: BlobInfo,
  used: ReadonlyMap<number, unknown>,
  reader: ChunkReader,
  signal: AbortSignal | undefined,
): Promise<(readonly [number, ChunkMeta])[]> {
  const apart = (blob.features & (SHARED_FEATURES | BLOB_FEATURES.SEPARATE)) !== 0
  if (used.size >= blob.chunkCount || apart || !hasBlobMeta(blob)) return []
  const range = { offset: blob.metaOffset, length: blob.metaCompressedSize }
  const limit = blob.chunkCount * MAX_META_BYTES_PER_CHUNK
  if (blob.metaUncompressedSize > limit || range.length > limit) throw oversized(blob, limit)
  const stored = await reader.readStored(blob.blobIndex, range, signal)
  const array = decompressExact(blob.metaCompressor, stored, blob.metaUncompressedSize)
  const meta = openBlobMeta(array, { features: blob.features, chunkCount: blob.chunkCount })
  const indexes = Array.from({ length: blob.chunkCount }, (_, index) => index)
  return indexes.filter((index) => !used.has(index)).map((index) => [index, meta.chunk(index)] as const)
}

async function readUnused(
  blob: BlobInfo,
  chunk: ChunkMeta,
  reader: ChunkReader,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const range = { offset: chunk.compressedOffset, length: chunk.compressedSize }
  const stored = await reader.readStored(blob.blobIndex, range, signal)
  return decompressExact(chunk.compressed ? blob.compressor : 'none', stored, chunk.uncompressedSize)
}

function oversized({ blobId, metaUncompressedSize, chunkCount }: BlobInfo, limit: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `blob ${blobId}: blob meta of ${metaUncompressedSize} bytes for ${chunkCount} chunks, at most ${limit} are expected`,
    { details: { blobId, metaUncompressedSize, chunkCount, limit } },
  )
}
