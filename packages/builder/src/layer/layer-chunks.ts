// SPDX-License-Identifier: Apache-2.0
/** Decides for every chunk of a layer, in the order of the tar: stored already, in a dictionary, or new. */
import type { BlobInfo, ChunkInfo } from '@nydus/rafs-format'
import type { BlobWriter } from '../blob/blob-writer.ts'
import { BuildError } from '../build-error.ts'
import { batchDigest, batchStored, type ChunkBatch, STORED_SKIPPED } from '../chunk/chunk-batch.ts'
import { type ChunkDict, digestKey } from '../chunk/chunk-dict.ts'

/** The chunks of one layer. */
export class LayerChunks {
  readonly #blob: BlobWriter
  readonly #dict: ChunkDict | undefined
  /** Chunks of the layer's own blob by digest. */
  readonly #own = new Map<string, number>()
  /** Chunks of dictionary blobs by digest, with the blob index of this layer. */
  readonly #borrowed = new Map<string, ChunkInfo>()
  /** The blob table: dictionary blobs, and undefined for the layer's own. */
  readonly #blobs: (BlobInfo | undefined)[] = []
  readonly #blobIndexes = new Map<BlobInfo | undefined, number>()
  #dedupBytes = 0

  constructor(blob: BlobWriter, dict: ChunkDict | undefined) {
    this.#blob = blob
    this.#dict = dict
  }

  /** Bytes of chunks that needed no storing. */
  get dedupBytes(): number {
    return this.#dedupBytes
  }

  /** The blob table in order of first use: dictionary blobs, and undefined for the layer's own. */
  get blobs(): readonly (BlobInfo | undefined)[] {
    return this.#blobs
  }

  /** The record of chunk `i` of a processed batch; a new chunk is appended to the blob. */
  add(batch: ChunkBatch, i: number): ChunkInfo {
    const digest = batchDigest(batch, i)
    const size = batch.sizes[i] as number
    const key = digestKey(digest)
    const known = this.#known(key, digest, size)
    if (known !== undefined) {
      this.#dedupBytes += size
      return known
    }
    if (batch.storedSizes[i] === STORED_SKIPPED) {
      // Two contents of one digest, or a worker that mixed up its lanes.
      throw new BuildError(
        'ERR_BUILD_IO',
        `a chunk of ${size} bytes was taken for a duplicate of one that is not there`,
      )
    }
    const chunk = { digest, crc32c: batch.crcs[i] as number, blobIndex: this.#blobIndex(undefined) }
    const index = this.#blob.addChunk(chunk, size, batchStored(batch, i))
    this.#own.set(key, index)
    return this.#blob.chunk(index)
  }

  #known(key: string, digest: Uint8Array, size: number): ChunkInfo | undefined {
    const own = this.#own.get(key)
    const chunk =
      own === undefined ? (this.#borrowed.get(key) ?? this.#borrow(key, digest, size)) : this.#blob.chunk(own)
    return chunk?.uncompressedSize === size ? chunk : undefined
  }

  #borrow(key: string, digest: Uint8Array, size: number): ChunkInfo | undefined {
    const found = this.#dict?.find(digest, size)
    const blob = found && this.#dict?.blobs[found.blobIndex]
    if (found === undefined || blob === undefined) return undefined
    const chunk = { ...found, digest: new Uint8Array(digest), blobIndex: this.#blobIndex(blob) }
    this.#borrowed.set(key, chunk)
    return chunk
  }

  #blobIndex(blob: BlobInfo | undefined): number {
    const known = this.#blobIndexes.get(blob)
    if (known !== undefined) return known
    const index = this.#blobs.push(blob) - 1
    this.#blobIndexes.set(blob, index)
    return index
  }
}
