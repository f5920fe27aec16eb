// SPDX-License-Identifier: Apache-2.0
/** All chunk records of a tree, 80 bytes each, so that a million files cost no chunk objects. */
import type { ChunkInfo } from '@nydus/rafs-format'
import { ChunkRecord } from '@nydus/rafs-format/layout'

const RECORDS_PER_PAGE = 4096
const DIGEST_BYTES = 32
const AT = ChunkRecord.offsets
const TWO_32 = 0x1_0000_0000
const WORDS = ChunkRecord.size / 4

interface Page {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly words: Uint32Array
}

/** An append-only list of chunk records. Nodes refer to runs of it by `chunkStart` and `chunkCount`. */
export class ChunkStore {
  readonly #pages: Page[] = []
  #count = 0

  /** Number of records. */
  get count(): number {
    return this.#count
  }

  /** Appends a record; `chunk` is copied. @returns its index. */
  add(chunk: ChunkInfo): number {
    const index = this.#append()
    ChunkRecord.encodeInto(this.#page(index).bytes, offsetOf(index), chunk)
    return index
  }

  /** Appends `chunks` in order. @returns the index of the first. */
  addAll(chunks: readonly ChunkInfo[]): number {
    const start = this.#count
    for (const chunk of chunks) this.add(chunk)
    return start
  }

  /** Appends a copy of record `index` for another place in a file. @returns its index. */
  addCopy(index: number, fileOffset: number): number {
    const record = this.bytes(index)
    const copy = this.#append()
    const { bytes, view } = this.#page(copy)
    bytes.set(record, offsetOf(copy))
    view.setBigUint64(offsetOf(copy) + AT.fileOffset, BigInt(fileOffset), true)
    return copy
  }

  /** A lazy view of record `index`. @throws {RangeError} when there is none. */
  get(index: number): ChunkInfo {
    return ChunkRecord.view(this.#page(index).bytes, offsetOf(index))
  }

  /** The 80 bytes of record `index`: a view. */
  bytes(index: number): Uint8Array {
    const start = offsetOf(index)
    return this.#page(index).bytes.subarray(start, start + ChunkRecord.size)
  }

  /** Copies record `index` to `target`, which counts in 4 bytes, from `at` on. */
  copyWords(index: number, target: Uint32Array, at: number): void {
    const { words } = this.#page(index)
    const start = (index % RECORDS_PER_PAGE) * WORDS
    for (let i = 0; i < WORDS; i++) target[at + i] = words[start + i] as number
  }

  /** The digest of record `index`: a view. */
  digest(index: number): Uint8Array {
    const start = offsetOf(index) + AT.digest
    return this.#page(index).bytes.subarray(start, start + DIGEST_BYTES)
  }

  /** Tells whether record `index` has this digest, without making a view. */
  hasDigest(index: number, digest: Uint8Array): boolean {
    const { bytes } = this.#page(index)
    const start = offsetOf(index) + AT.digest
    for (let i = 0; i < DIGEST_BYTES; i++) if (bytes[start + i] !== digest[i]) return false
    return true
  }

  /** Bytes of the chunk of record `index` before compression. */
  uncompressedSize(index: number): number {
    return this.#page(index).view.getUint32(offsetOf(index) + AT.uncompressedSize, true)
  }

  /** Blob index of record `index`. */
  blobIndex(index: number): number {
    return this.#page(index).view.getUint32(offsetOf(index) + AT.blobIndex, true)
  }

  /** Chunk index of record `index`. */
  chunkIndex(index: number): number {
    return this.#page(index).view.getUint32(offsetOf(index) + AT.chunkIndex, true)
  }

  /** Where the chunk of record `index` starts in the uncompressed blob. */
  uncompressedOffset(index: number): number {
    const { view } = this.#page(index)
    const at = offsetOf(index) + AT.uncompressedOffset
    return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32
  }

  /** The first four bytes of the digest of record `index` as a number, which sorts like digests nearly always do. */
  digestPrefix(index: number): number {
    return this.#page(index).view.getUint32(offsetOf(index) + AT.digest)
  }

  /** Replaces the blob index of every record, whether a node still refers to it or not. */
  mapBlobIndexes(map: (blobIndex: number) => number): void {
    for (let index = 0; index < this.#count; index++) {
      const at = offsetOf(index) + AT.blobIndex
      const { view } = this.#page(index)
      view.setUint32(at, map(view.getUint32(at, true)), true)
    }
  }

  #append(): number {
    const index = this.#count
    if (index % RECORDS_PER_PAGE === 0) {
      const bytes = new Uint8Array(RECORDS_PER_PAGE * ChunkRecord.size)
      const { buffer } = bytes
      this.#pages.push({ bytes, view: new DataView(buffer), words: new Uint32Array(buffer) })
    }
    this.#count += 1
    return index
  }

  #page(index: number): Page {
    const page = index < this.#count ? this.#pages[(index / RECORDS_PER_PAGE) | 0] : undefined
    if (page === undefined) throw new RangeError(`chunk record ${index} of ${this.#count}`)
    return page
  }
}

function offsetOf(index: number): number {
  return (index % RECORDS_PER_PAGE) * ChunkRecord.size
}
