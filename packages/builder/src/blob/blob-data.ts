// SPDX-License-Identifier: Apache-2.0
/**
 * The chunks of a blob: stored one after the other, compressed and encrypted as the plan has it, small ones in batches;
 * or only described, where the bytes are in a file that exists.
 */
import { alignUp } from '@nydus/base/binary'
import { type CipherContext, encryptXts } from '@nydus/base/cipher'
import { codecOf } from '@nydus/base/compress'
import type { BatchContext, ChunkInfo, ChunkMeta, ChunkMetaList, ContextSlice } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'
import { type CompressChunk, createChunkCompressor } from '../chunk/chunk-compressor.ts'
import type { BuildPlan } from '../layer/build-options.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { NumberList } from '../tree/number-list.ts'
import { BatchBuffer, isBatched } from './batch-buffer.ts'
import type { BlobOutput } from './blob-output.ts'
import type { ReferencedChunk } from './blob-reference.ts'
import { ChunkSlices } from './chunk-slices.ts'

/** What a blob may have besides its plan. */
export interface BlobExtras {
  /** Encrypts chunks, chunk array and header. */
  readonly cipher?: CipherContext | undefined
  /** Takes the plain bytes of all chunks, where these are what is stored. */
  readonly cache?: ChunkCache | undefined
  /** Added to all compressed offsets. */
  readonly offset?: number | undefined
}

/** Takes chunks in the order of their offsets in the uncompressed blob. */
export interface ChunkCache {
  /** Takes a copy. */
  put(uncompressedOffset: number, plain: Uint8Array): void
  /** Awaited now and then. */
  flush(): Promise<void>
}

/** A new chunk. */
export interface NewChunk extends Pick<ChunkInfo, 'digest' | 'crc32c' | 'blobIndex' | 'fileOffset'> {
  /** Chunks of its file. */
  readonly fileChunks: number
}

/** Uncompressed chunks start at multiples of this. */
const CHUNK_ALIGNMENT = 4096
/** Shorter buffers are padded before they are encrypted. */
const XTS_BLOCK_BYTES = 16
const XTS_PADDED_BYTES = 18
/** Chunk indexes have 24 bits, the last one is taken. */
const MAX_CHUNKS = 0xff_ffff

/** Where a chunk went. */
type Placement = Pick<ChunkInfo, 'flags' | 'compressedOffset' | 'compressedSize'>

/** The chunks of one blob. */
export class BlobData {
  readonly #plan: BuildPlan
  readonly #output: BlobOutput
  readonly #records: ChunkStore
  readonly #extras: BlobExtras
  /** The record of each chunk by chunk index. */
  readonly #chunks = new NumberList()
  readonly #slices: ChunkSlices | undefined
  readonly #batch: BatchBuffer | undefined
  /** Where each batch starts. */
  readonly #batchOffsets: number[] = []
  readonly #compress: CompressChunk | undefined
  #uncompressedSize = 0

  /** @param hasSlices chunks may be parts of contexts of a file that exists. */
  constructor(
    plan: BuildPlan,
    output: BlobOutput,
    records: ChunkStore,
    extras: BlobExtras,
    hasSlices: boolean,
  ) {
    this.#plan = plan
    this.#output = output
    this.#records = records
    this.#extras = extras
    if (plan.batchSize > 0) {
      this.#batch = new BatchBuffer(plan.batchSize)
      this.#compress = createChunkCompressor(plan.compressor)
    }
    if (plan.batchSize > 0 || hasSlices) this.#slices = new ChunkSlices()
  }

  get chunkCount(): number {
    return this.#chunks.length
  }

  /** Bytes of the uncompressed blob. */
  get uncompressedSize(): number {
    return this.#uncompressedSize
  }

  /** Contexts of all batches; undefined for a blob without batches. */
  get batchContexts(): readonly BatchContext[] | undefined {
    return this.#batch?.contexts
  }

  /** The record of a chunk: a lazy view. */
  chunk(index: number): ChunkInfo {
    return this.#records.get(this.#chunks.at(index))
  }

  /** All chunks as the blob meta describes them, made one by one. */
  chunkMetas(): ChunkMetaList {
    const length = this.chunkCount
    const chunkMeta = this.chunkMeta.bind(this)
    return {
      length,
      *[Symbol.iterator]() {
        for (let i = 0; i < length; i++) yield chunkMeta(i)
      },
    }
  }

  /** A chunk as the blob meta describes it. */
  chunkMeta(index: number): ChunkMeta {
    const chunk = this.chunk(index)
    const slice = this.#slices?.at(index)
    const meta = {
      uncompressedOffset: chunk.uncompressedOffset,
      uncompressedSize: chunk.uncompressedSize,
      compressedOffset: chunk.compressedOffset,
      compressedSize: chunk.compressedSize,
      compressed: (chunk.flags & CHUNK_FLAGS.COMPRESSED) !== 0,
      encrypted: (chunk.flags & CHUNK_FLAGS.ENCRYPTED) !== 0,
    }
    if (slice === undefined) {
      const hasCrc = (chunk.flags & CHUNK_FLAGS.HAS_CRC32C) !== 0
      // The original refuses records that have a checksum of 0.
      return hasCrc && chunk.crc32c !== 0 ? { ...meta, crc32c: chunk.crc32c } : meta
    }
    if (this.#batch === undefined) return { ...meta, zran: slice }
    const compressedOffset = this.#batchOffsets[slice.context] as number
    return { ...meta, compressed: true, compressedOffset, compressedSize: 0, batch: slice }
  }

  /**
   * Appends a chunk. @returns the index of its record.
   * @param stored its bytes as the worker left them, copied; of `size` bytes when not compressed.
   * @param referenced where it lies, for a blob that exists.
   * @throws {BuildError} ERR_BUILD_TOO_LARGE past 2^24 − 1 chunks.
   */
  add(chunk: NewChunk, size: number, stored: Uint8Array, referenced?: ReferencedChunk): number {
    if (this.#chunks.length >= MAX_CHUNKS) {
      throw new BuildError('ERR_BUILD_TOO_LARGE', `the layer has more than ${MAX_CHUNKS} chunks`, {
        hint: 'build it with larger chunks',
      })
    }
    const placement = referenced === undefined ? this.#place(chunk, size, stored) : this.#refer(referenced)
    const record = this.#records.add({
      ...placement,
      digest: chunk.digest,
      blobIndex: chunk.blobIndex,
      uncompressedSize: size,
      uncompressedOffset: this.#uncompressedSize,
      fileOffset: chunk.fileOffset,
      chunkIndex: this.#chunks.length,
      crc32c: chunk.crc32c,
    })
    this.#chunks.push(record)
    this.#extras.cache?.put(this.#uncompressedSize, stored)
    this.#uncompressedSize += this.#plan.alignedChunk ? alignUp(size, CHUNK_ALIGNMENT) : size
    return record
  }

  /** Stores what is still buffered. */
  finish(): void {
    const batch = this.#batch
    if (batch === undefined || batch.bytes.length === 0) return
    batch.end(this.#put(this.#storedBatch(batch.bytes)))
  }

  /**
   * Readers take a batch for compressed when its stored size is another than its plain one. Encryption makes at least 18
   * bytes of short buffers, which must not mislead them.
   */
  #storedBatch(plain: Uint8Array): Uint8Array {
    const encrypted = this.#extras.cipher !== undefined
    if (encrypted && plain.length < XTS_BLOCK_BYTES) return codecOf(this.#plan.compressor).compress(plain)
    const compressed = this.#compress?.(plain) ?? plain
    return encrypted && compressed.length < XTS_BLOCK_BYTES && plain.length === XTS_PADDED_BYTES
      ? plain
      : compressed
  }

  #place(chunk: NewChunk, size: number, stored: Uint8Array): Placement {
    const flags = CHUNK_FLAGS.HAS_CRC32C | (this.#extras.cipher ? CHUNK_FLAGS.ENCRYPTED : 0)
    const batch = this.#batch
    if (batch !== undefined && isBatched(size, chunk.fileChunks, this.#plan.batchSize)) {
      this.#slices?.push(this.#addToBatch(batch, stored))
      return { flags, compressedOffset: 0, compressedSize: 0 }
    }
    this.finish()
    this.#slices?.push(undefined)
    const compressedOffset = this.#offset
    const compressedSize = this.#put(stored)
    return {
      flags: flags | (stored.length < size ? CHUNK_FLAGS.COMPRESSED : 0),
      compressedOffset,
      compressedSize,
    }
  }

  #addToBatch(batch: BatchBuffer, plain: Uint8Array): ContextSlice {
    if (!batch.hasRoom(plain.length)) this.finish()
    if (batch.bytes.length === 0) this.#batchOffsets.push(this.#offset)
    return batch.add(plain)
  }

  #refer({ slice, compressed, compressedOffset, compressedSize, hasCrc32c }: ReferencedChunk): Placement {
    this.#slices?.push(slice)
    const flags = (hasCrc32c ? CHUNK_FLAGS.HAS_CRC32C : 0) | (compressed ? CHUNK_FLAGS.COMPRESSED : 0)
    return { flags, compressedOffset, compressedSize }
  }

  get #offset(): number {
    return this.#output.position + (this.#extras.offset ?? 0)
  }

  /** @returns the bytes it takes. */
  #put(stored: Uint8Array): number {
    const { cipher } = this.#extras
    const bytes = cipher === undefined ? stored : encryptXts(stored, cipher)
    this.#output.put(bytes)
    return bytes.length
  }
}
