// SPDX-License-Identifier: Apache-2.0
/** Decides for every chunk of a layer, in the order of the files: stored already, in a dictionary, or new. */
import type { BlobInfo, ChunkInfo } from '@nydus/rafs-format'
import type { ReferencedChunk } from '../blob/blob-reference.ts'
import type { BlobWriter } from '../blob/blob-writer.ts'
import { BuildError } from '../build-error.ts'
import { batchDigest, batchStored, type ChunkBatch, STORED_SKIPPED } from '../chunk/chunk-batch.ts'
import type { ChunkDict } from '../chunk/chunk-dict.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { DigestIndex } from '../tree/digest-index.ts'
import type { ChunkPlace } from './layer-commits.ts'

/** Chunks that need not be stored. */
export interface KnownChunks {
  /** Its blobs enter the blob table when they are first used. */
  readonly dict?: ChunkDict | undefined
  /** Chunks of the parent: its blobs lead the blob table. */
  readonly parent?: ChunkDict | undefined
}

/** The chunks of one layer. */
export class LayerChunks {
  readonly #blob: BlobWriter
  readonly #records: ChunkStore
  readonly #known: KnownChunks
  /** Chunks that the layer has used: of its own blob and of others. */
  #used: DigestIndex
  /** The blob table: other blobs, and undefined for the layer's own. */
  readonly #blobs: (BlobInfo | undefined)[]
  /** By blob id; undefined for the layer's own. A dictionary may name blobs of the parent. */
  readonly #blobIndexes = new Map<string | undefined, number>()
  #dedupBytes = 0
  #dedupChunks = 0

  /** @param records takes in a record for every chunk of every file; the blob's as well. */
  constructor(blob: BlobWriter, records: ChunkStore, known: KnownChunks = {}) {
    this.#blob = blob
    this.#records = records
    this.#used = new DigestIndex(records)
    this.#known = known
    this.#blobs = [...(known.parent?.blobs ?? [])]
    for (const [index, info] of this.#blobs.entries()) this.#blobIndexes.set(info?.blobId, index)
  }

  /** Bytes of chunks that needed no storing. */
  get dedupBytes(): number {
    return this.#dedupBytes
  }

  /** How many these are. */
  get dedupChunks(): number {
    return this.#dedupChunks
  }

  /** The blob table: the parent's blobs, then in order of first use dictionary blobs and undefined for the own. */
  get blobs(): readonly (BlobInfo | undefined)[] {
    return this.#blobs
  }

  /** Chunk `i` of a processed batch; a new one is appended to the blob. @returns the index of its record. */
  add(batch: ChunkBatch, i: number, place: ChunkPlace): number {
    const digest = batchDigest(batch, i)
    const size = batch.sizes[i] as number
    const referenced = this.#blob.reference?.nextChunk()
    const used = this.#used.find(digest)
    const record =
      used !== undefined && this.#records.uncompressedSize(used) === size
        ? this.#records.addCopy(used, place.fileOffset)
        : this.#borrow(digest, size, place)
    if (record === undefined) return this.#store(batch, i, place, referenced)
    this.#dedupBytes += size
    this.#dedupChunks += 1
    return record
  }

  #store(
    batch: ChunkBatch,
    i: number,
    { fileOffset, fileChunks }: ChunkPlace,
    referenced: ReferencedChunk | undefined,
  ): number {
    const size = batch.sizes[i] as number
    if (batch.storedSizes[i] === STORED_SKIPPED) {
      // Two contents of one digest, or a worker that mixed up its lanes.
      throw new BuildError(
        'ERR_BUILD_IO',
        `a chunk of ${size} bytes was taken for a duplicate of one that is not there`,
      )
    }
    const chunk = {
      digest: batchDigest(batch, i),
      crc32c: batch.crcs[i] as number,
      blobIndex: this.#blobIndex(undefined),
      fileOffset,
      fileChunks,
    }
    const record = this.#blob.addChunk(chunk, size, batchStored(batch, i), referenced)
    this.#used.add(record)
    return record
  }

  /** Describes a chunk that another blob has. @returns the index of its record. */
  #borrow(digest: Uint8Array, size: number, { fileOffset }: ChunkPlace): number | undefined {
    for (const dict of [this.#known.dict, this.#known.parent]) {
      const found = dict?.find(digest, size)
      const blob = found && dict?.blobs[found.blobIndex]
      if (found === undefined || blob === undefined) continue
      const record = this.#records.add({ ...recordOf(found), blobIndex: this.#blobIndex(blob), fileOffset })
      this.#used.add(record)
      return record
    }
    return undefined
  }

  /** Forgets which chunks there are; none is added any more. */
  finish(): void {
    this.#used = new DigestIndex(this.#records)
  }

  #blobIndex(blob: BlobInfo | undefined): number {
    const known = this.#blobIndexes.get(blob?.blobId)
    if (known !== undefined) return known
    const index = this.#blobs.push(blob) - 1
    this.#blobIndexes.set(blob?.blobId, index)
    return index
  }
}

/** The members of a chunk that may be a lazy view, which has none of its own to spread. */
function recordOf(chunk: ChunkInfo): Omit<ChunkInfo, 'fileOffset'> {
  return {
    digest: chunk.digest,
    blobIndex: chunk.blobIndex,
    flags: chunk.flags,
    compressedSize: chunk.compressedSize,
    uncompressedSize: chunk.uncompressedSize,
    compressedOffset: chunk.compressedOffset,
    uncompressedOffset: chunk.uncompressedOffset,
    chunkIndex: chunk.chunkIndex,
    crc32c: chunk.crc32c,
  }
}
