// SPDX-License-Identifier: Apache-2.0
/** Reads chunks for another blob: as they are stored where that is possible, always verified. */
import { crc32c, equalBytes } from '@nydus/base/binary'
import { decompressExact } from '@nydus/base/compress'
import { digestBytes } from '@nydus/base/digest'
import { DigestError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  type BlobInfo,
  type Bootstrap,
  type ChunkInfo,
  chunkCrc32c,
  isCompressedChunk,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { createChunkCompressor } from '../chunk/chunk-compressor.ts'
import type { ChunkReader } from '../chunk-reader.ts'
import { inOrder } from '../export/read-ahead.ts'
import type { ChunkCompressor } from '../layer/build-options.ts'
import type { StoredChunk } from './repacked-blob.ts'

/** Bytes of neighbouring chunks that are read together. */
const MAX_RUN_BYTES = 1 << 20
/** Blobs whose chunks cannot be copied as they are stored. */
const APART_FEATURES =
  BLOB_FEATURES.ZRAN | BLOB_FEATURES.BATCH | BLOB_FEATURES.ENCRYPTED | BLOB_FEATURES.TARFS

/**
 * The chunks one by one in the given order, some of them read ahead. Chunks of batched, encrypted or referenced blobs,
 * and those of another compressor, are decoded and compressed again.
 * @throws {DigestError} ERR_DIGEST_MISMATCH for a damaged chunk, and what `reader` throws.
 */
export async function* loadChunks(
  bootstrap: Bootstrap,
  chunks: readonly ChunkInfo[],
  compressor: ChunkCompressor,
  reader: ChunkReader,
  signal?: AbortSignal,
): AsyncGenerator<StoredChunk> {
  const compress = createChunkCompressor(compressor)
  const reads = runsOf(bootstrap, chunks, compressor).map((run) => async () => {
    if (!run.copied) return { run, bytes: await reader.readChunk(run.blob.blobIndex, run.first, signal) }
    const range = { offset: run.first.compressedOffset, length: run.length }
    return { run, bytes: await reader.readStored(run.blob.blobIndex, range, signal) }
  })
  for await (const { run, bytes } of inOrder(reads)) {
    signal?.throwIfAborted()
    if (run.copied) yield* cutRun(run, bytes)
    else yield recompressed(run, bytes)
  }

  function recompressed({ blob, first: chunk }: Run, bytes: Uint8Array): StoredChunk {
    verify(blob, chunk, bytes)
    const packed = compress(bytes)
    // The compressor's result is only valid until its next call.
    const stored = packed === undefined ? bytes : new Uint8Array(packed)
    return { chunk, stored, compressed: packed !== undefined }
  }
}

/** Chunks that one read brings. */
interface Run {
  readonly blob: BlobInfo
  readonly first: ChunkInfo
  readonly chunks: ChunkInfo[]
  /** Stored bytes. */
  length: number
  /** As stored; else there is one chunk, and it is decoded. */
  readonly copied: boolean
}

function runsOf(bootstrap: Bootstrap, chunks: readonly ChunkInfo[], compressor: ChunkCompressor): Run[] {
  const runs: Run[] = []
  for (const chunk of chunks) {
    const blob = bootstrap.blobs[chunk.blobIndex] as BlobInfo
    const copied = canCopy(blob, chunk, compressor)
    const last = runs.at(-1)
    if (copied && last !== undefined && continues(last, chunk)) {
      last.chunks.push(chunk)
      last.length += chunk.compressedSize
    } else runs.push({ blob, first: chunk, chunks: [chunk], length: chunk.compressedSize, copied })
  }
  return runs
}

function canCopy(blob: BlobInfo, chunk: ChunkInfo, compressor: ChunkCompressor): boolean {
  if ((blob.features & APART_FEATURES) !== 0) return false
  if ((chunk.flags & (CHUNK_FLAGS.ENCRYPTED | CHUNK_FLAGS.BATCH)) !== 0) return false
  return !isCompressedChunk(chunk) || blob.compressor === compressor
}

function continues(run: Run, chunk: ChunkInfo): boolean {
  return (
    run.copied &&
    run.blob.blobIndex === chunk.blobIndex &&
    run.first.compressedOffset + run.length === chunk.compressedOffset &&
    run.length + chunk.compressedSize <= MAX_RUN_BYTES
  )
}

function* cutRun({ blob, chunks }: Run, bytes: Uint8Array): Generator<StoredChunk> {
  let at = 0
  for (const chunk of chunks) {
    const stored = bytes.subarray(at, at + chunk.compressedSize)
    at += chunk.compressedSize
    const compressed = isCompressedChunk(chunk)
    verify(
      blob,
      chunk,
      decompressExact(compressed ? blob.compressor : 'none', stored, chunk.uncompressedSize),
    )
    yield { chunk, stored, compressed }
  }
}

/** A new blob must not carry damage on under a new name. */
function verify(blob: BlobInfo, chunk: ChunkInfo, bytes: Uint8Array): void {
  const crc = chunkCrc32c(chunk)
  const known = chunk.digest.some((byte) => byte !== 0)
  if (known && equalBytes(digestBytes(blob.digester, bytes), chunk.digest)) return
  if (!known && (crc === undefined || crc32c(bytes) === crc)) return
  throw new DigestError(
    'ERR_DIGEST_MISMATCH',
    `blob ${blob.blobId}: chunk ${chunk.chunkIndex} does not have its ${known ? blob.digester : 'crc32c'}`,
    { details: { blobId: blob.blobId, chunk: chunk.chunkIndex }, hint: 'fetch the blob again' },
  )
}
