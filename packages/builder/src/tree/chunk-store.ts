// SPDX-License-Identifier: Apache-2.0
/** All chunk records of a tree, 80 bytes each, so that a million files cost no chunk objects. */
import type { ChunkInfo } from '@nydus/rafs-format'
import { ChunkRecord } from '@nydus/rafs-format/layout'

const RECORDS_PER_PAGE = 4096

/** An append-only list of chunk records. Nodes refer to runs of it by `chunkStart` and `chunkCount`. */
export class ChunkStore {
  readonly #pages: Uint8Array[] = []
  #count = 0

  /** Number of records. */
  get count(): number {
    return this.#count
  }

  /** Appends a record; `chunk` is copied. @returns its index. */
  add(chunk: ChunkInfo): number {
    const index = this.#count
    const slot = index % RECORDS_PER_PAGE
    if (slot === 0) this.#pages.push(new Uint8Array(RECORDS_PER_PAGE * ChunkRecord.size))
    this.#count += 1
    ChunkRecord.encodeInto(this.#page(index), slot * ChunkRecord.size, chunk)
    return index
  }

  /** Appends `chunks` in order. @returns the index of the first. */
  addAll(chunks: readonly ChunkInfo[]): number {
    const start = this.#count
    for (const chunk of chunks) this.add(chunk)
    return start
  }

  /** A lazy view of record `index`. @throws {RangeError} when there is none. */
  get(index: number): ChunkInfo {
    return ChunkRecord.view(this.#page(index), (index % RECORDS_PER_PAGE) * ChunkRecord.size)
  }

  /** The 80 bytes of record `index`: a view. */
  bytes(index: number): Uint8Array {
    const start = (index % RECORDS_PER_PAGE) * ChunkRecord.size
    return this.#page(index).subarray(start, start + ChunkRecord.size)
  }

  /** Replaces the blob index of every record, whether a node still refers to it or not. */
  mapBlobIndexes(map: (blobIndex: number) => number): void {
    const at = ChunkRecord.offsets.blobIndex
    for (let index = 0; index < this.#count; index++) {
      const record = this.bytes(index)
      const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
      view.setUint32(at, map(view.getUint32(at, true)), true)
    }
  }

  #page(index: number): Uint8Array {
    const page = index < this.#count ? this.#pages[Math.floor(index / RECORDS_PER_PAGE)] : undefined
    if (page === undefined) throw new RangeError(`chunk record ${index} of ${this.#count}`)
    return page
  }
}
