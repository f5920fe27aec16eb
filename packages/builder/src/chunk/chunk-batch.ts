// SPDX-License-Identifier: Apache-2.0
/**
 * A batch of chunks in shared memory, filled by the main thread and worked on in place by a worker:
 *
 *   data · offsets · sizes · stored sizes · CRCs · plain (u32 each) · digests (32 bytes each)
 *
 * The worker puts the compressed bytes over the chunk's own: they are kept only where they are smaller.
 */

/** Most chunks of one batch: bounds the latency of a batch of tiny files. */
export const BATCH_MAX_CHUNKS = 256
/** Least data bytes of a batch. */
export const BATCH_MIN_BYTES = 1 << 20
/** Stored size of a chunk whose worker met the same content before, and did not compress it again. */
export const STORED_SKIPPED = 0

const DIGEST_BYTES = 32
const COLUMNS = 5
const TABLE_BYTES = BATCH_MAX_CHUNKS * (COLUMNS * Uint32Array.BYTES_PER_ELEMENT + DIGEST_BYTES)

/** Views of one batch. Who holds the batch may use them; nobody else. */
export interface ChunkBatch {
  readonly buffer: SharedArrayBuffer
  /** Chunk bytes; its length is the batch's capacity. */
  readonly data: Uint8Array
  /** Where each chunk starts in `data`. */
  readonly offsets: Uint32Array
  /** Uncompressed bytes of each chunk. */
  readonly sizes: Uint32Array
  /** 1 for chunks to leave as they are: they are compressed together with others. */
  readonly plain: Uint32Array
  /** Result: bytes to store, equal to the size when they are the plain ones; or STORED_SKIPPED. */
  readonly storedSizes: Uint32Array
  /** Result: CRC-32C of the uncompressed bytes. */
  readonly crcs: Uint32Array
  /** Result: digests of the uncompressed bytes, 32 bytes each. */
  readonly digests: Uint8Array
  /** Chunks in the batch. */
  count: number
  /** Bytes of `data` in use. */
  filled: number
}

/** A new batch with room for `capacity` (a multiple of 4096) bytes of chunks. */
export function allocateBatch(capacity: number): ChunkBatch {
  return viewBatch(new SharedArrayBuffer(capacity + TABLE_BYTES))
}

/** The views of a batch made by `allocateBatch`, in any thread. */
export function viewBatch(buffer: SharedArrayBuffer): ChunkBatch {
  const capacity = buffer.byteLength - TABLE_BYTES
  const column = (index: number) =>
    new Uint32Array(
      buffer,
      capacity + index * BATCH_MAX_CHUNKS * Uint32Array.BYTES_PER_ELEMENT,
      BATCH_MAX_CHUNKS,
    )
  return {
    buffer,
    data: new Uint8Array(buffer, 0, capacity),
    offsets: column(0),
    sizes: column(1),
    storedSizes: column(2),
    crcs: column(3),
    plain: column(4),
    digests: new Uint8Array(buffer, buffer.byteLength - BATCH_MAX_CHUNKS * DIGEST_BYTES),
    count: 0,
    filled: 0,
  }
}

/** The uncompressed bytes of chunk `i`; after a worker had the batch only where nothing smaller was stored. */
export function batchChunk(batch: ChunkBatch, i: number): Uint8Array {
  const offset = batch.offsets[i] as number
  return batch.data.subarray(offset, offset + (batch.sizes[i] as number))
}

/** The bytes of chunk `i` to store: a view into the batch. */
export function batchStored(batch: ChunkBatch, i: number): Uint8Array {
  const offset = batch.offsets[i] as number
  return batch.data.subarray(offset, offset + (batch.storedSizes[i] as number))
}

/** The digest of chunk `i`: a view into the batch. */
export function batchDigest(batch: ChunkBatch, i: number): Uint8Array {
  return batch.digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)
}
