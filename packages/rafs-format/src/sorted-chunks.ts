// SPDX-License-Identifier: Apache-2.0
/** Distinct chunks of blobs, each blob's in the order of the uncompressed blob: 20 bytes of memory a chunk. */
import { checkRange } from '@nydus/base/binary'
import type { ChunkInfo } from './chunk.ts'
import type { ChunkTable } from './v6/chunk-table.ts'

/** The chunks of one blob, sorted by their place in the uncompressed blob. */
export interface BlobChunks extends ChunkTable {
  /** Where the last chunk ends in the uncompressed blob, in bytes. */
  readonly uncompressedSize: number
  /** Where the chunk that is stored last ends in the blob, in bytes. */
  readonly compressedSize: number
  /** The chunk that holds byte `uncompressedOffset` of the uncompressed blob. */
  findOffset(uncompressedOffset: number): ChunkInfo | undefined
}

/** The chunks of all blobs of an image. */
export interface SortedChunks {
  /** All of them: blob by blob. */
  readonly table: ChunkTable
  /** Of one blob; empty for a blob that the image does not have. */
  blob(blobIndex: number): BlobChunks
  /** Number of the chunk at a place of the uncompressed blob, if one starts there. */
  indexAt(blobIndex: number, uncompressedOffset: number): number | undefined
}

/** Sorted columns of one blob. */
interface ChunkRun {
  readonly uncompressedOffsets: Float64Array
  readonly chunkIndexes: Uint32Array
  /** What `read` takes. */
  readonly places: Float64Array
}

/** Makes a chunk of its sorted columns. */
export type ReadSortedChunk = (
  place: number,
  chunk: { readonly blobIndex: number; readonly chunkIndex: number; readonly uncompressedOffset: number },
) => ChunkInfo

/** Collects chunks in any order, repetitions included. */
export class ChunkCollector {
  readonly #columns: { offsets: number[]; indexes: number[]; places: number[] }[]

  /** @param blobCount chunks of other blobs are left out. */
  constructor(blobCount: number) {
    this.#columns = Array.from({ length: blobCount }, () => ({ offsets: [], indexes: [], places: [] }))
  }

  /** @param place for `read`: any number. */
  add(blobIndex: number, uncompressedOffset: number, chunkIndex: number, place: number): void {
    const columns = this.#columns[blobIndex]
    if (columns === undefined) return
    const last = columns.offsets.length - 1
    if (columns.offsets[last] === uncompressedOffset) return
    columns.offsets.push(uncompressedOffset)
    columns.indexes.push(chunkIndex)
    columns.places.push(place)
  }

  /** Sorts what was added. @param renumber whether chunk indexes are given anew in the order of places. */
  finish(read: ReadSortedChunk, renumber: boolean): SortedChunks {
    const runs = this.#columns.map(({ offsets, indexes, places }) => {
      const order = sortedDistinct(offsets)
      return {
        uncompressedOffsets: Float64Array.from(order, (i) => offsets[i] ?? 0),
        chunkIndexes: Uint32Array.from(order, (i, position) => (renumber ? position : (indexes[i] ?? 0))),
        places: Float64Array.from(order, (i) => places[i] ?? 0),
      }
    })
    return openSortedChunks(runs, read)
  }
}

/** Positions of the distinct keys in ascending order. */
function sortedDistinct(keys: readonly number[]): Uint32Array {
  const key = (i: number): number => keys[i] ?? 0
  const order = Uint32Array.from(keys, (_, i) => i).sort((a, b) => key(a) - key(b) || a - b)
  let count = 0
  for (const i of order) {
    const previous = order[count - 1]
    if (count > 0 && previous !== undefined && key(previous) === key(i)) continue
    order[count++] = i
  }
  return order.subarray(0, count)
}

function openSortedChunks(runs: readonly ChunkRun[], read: ReadSortedChunk): SortedChunks {
  const blobs = new Map<number, BlobChunks>()
  const empty: ChunkRun = {
    uncompressedOffsets: new Float64Array(0),
    chunkIndexes: new Uint32Array(0),
    places: new Float64Array(0),
  }
  function blob(blobIndex: number): BlobChunks {
    const known = blobs.get(blobIndex)
    if (known !== undefined) return known
    const opened = openBlobChunks(blobIndex, runs[blobIndex] ?? empty, read)
    if (runs[blobIndex] !== undefined) blobs.set(blobIndex, opened)
    return opened
  }
  return {
    blob,
    table: joinBlobs(runs, blob),
    indexAt(blobIndex, uncompressedOffset) {
      const run = runs[blobIndex]
      if (run === undefined) return undefined
      const position = lastNotAbove(run.uncompressedOffsets, uncompressedOffset)
      return run.uncompressedOffsets[position] === uncompressedOffset ? run.chunkIndexes[position] : undefined
    },
  }
}

function openBlobChunks(blobIndex: number, run: ChunkRun, read: ReadSortedChunk): BlobChunks {
  const { uncompressedOffsets, chunkIndexes, places } = run
  const { length } = uncompressedOffsets
  let byIndex: Uint32Array | undefined
  let compressedSize: number | undefined

  function at(position: number): ChunkInfo {
    checkRange(position, 1, length, `chunk ${position} of blob ${blobIndex}`)
    return read(places[position] ?? 0, {
      blobIndex,
      chunkIndex: chunkIndexes[position] ?? 0,
      uncompressedOffset: uncompressedOffsets[position] ?? 0,
    })
  }
  function* iterate(): Generator<ChunkInfo, void, undefined> {
    for (let position = 0; position < length; position++) yield at(position)
  }
  const endOf = (chunk: ChunkInfo): number => chunk.uncompressedOffset + chunk.uncompressedSize
  return {
    length,
    at,
    uncompressedSize: length === 0 ? 0 : endOf(at(length - 1)),
    get compressedSize() {
      compressedSize ??= storedEnd(iterate())
      return compressedSize
    },
    find(wantedBlob, chunkIndex) {
      if (wantedBlob !== blobIndex) return undefined
      byIndex ??= Uint32Array.from(chunkIndexes, (_, i) => i).sort(
        (a, b) => (chunkIndexes[a] ?? 0) - (chunkIndexes[b] ?? 0),
      )
      const position = byIndex[lastNotAbove(byIndex, chunkIndex, chunkIndexes)]
      return position !== undefined && chunkIndexes[position] === chunkIndex ? at(position) : undefined
    },
    findOffset(uncompressedOffset) {
      const position = lastNotAbove(uncompressedOffsets, uncompressedOffset)
      const chunk = position < 0 ? undefined : at(position)
      return chunk !== undefined && uncompressedOffset < endOf(chunk) ? chunk : undefined
    },
    [Symbol.iterator]: iterate,
  }
}

function storedEnd(chunks: Iterable<ChunkInfo>): number {
  let end = 0
  for (const chunk of chunks) end = Math.max(end, chunk.compressedOffset + chunk.compressedSize)
  return end
}

/** Position of the last value that is not above `wanted`, −1 if all are. `through`: values are positions in it. */
function lastNotAbove(values: Float64Array | Uint32Array, wanted: number, through?: Uint32Array): number {
  let low = 0
  let high = values.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const value = values[middle] ?? 0
    if ((through ? (through[value] ?? 0) : value) <= wanted) low = middle + 1
    else high = middle - 1
  }
  return high
}

function joinBlobs(runs: readonly ChunkRun[], blob: (blobIndex: number) => BlobChunks): ChunkTable {
  const length = runs.reduce((sum, { places }) => sum + places.length, 0)
  return {
    length,
    at(position) {
      checkRange(position, 1, length, `chunk ${position}`)
      let rest = position
      let blobIndex = 0
      while (rest >= blob(blobIndex).length) rest -= blob(blobIndex++).length
      return blob(blobIndex).at(rest)
    },
    find: (blobIndex, chunkIndex) => blob(blobIndex).find(blobIndex, chunkIndex),
    *[Symbol.iterator]() {
      for (const blobIndex of runs.keys()) yield* blob(blobIndex)
    },
  }
}
