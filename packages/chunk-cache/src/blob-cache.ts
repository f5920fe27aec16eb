// SPDX-License-Identifier: Apache-2.0
/** The cache of one blob at work: ready bytes come from the file, everything else through flights. */
import { type ByteRange, checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { BlobInfo } from '@nydus/rafs-format'
import type { BlobFetch, FetchCounts } from './blob-fetch.ts'
import { CacheError } from './cache-error.ts'
import { createChunkFlights } from './chunk-flights.ts'
import { countReady, isReady } from './chunk-map.ts'
import type { ChunkStore } from './chunk-store.ts'
import { checkDecodable, type DecodeContext } from './decode-chunk.ts'
import type { FetchLimits } from './fetch-limits.ts'
import { flyRun } from './fly-run.ts'
import { createMemoryChunks } from './memory-chunks.ts'
import { chunksOf, type FetchPolicy, type FetchRun, planFetch } from './plan-fetch.ts'
import { firstChunkAt, type SharedBlobView } from './shared-view.ts'

/** A snapshot of what a cache has done. */
export interface CacheStats extends FetchCounts {
  readonly chunkCount: number
  readonly readyChunks: number
  /** Why readiness could not be written to disk the last time, if it could not. */
  readonly persistFailure: CacheError | undefined
}

/** One blob's cache. All methods may be called concurrently. */
export interface BlobCache {
  readonly blob: BlobInfo
  /** What other threads need to serve ready chunks; valid until `close`. */
  view(): SharedBlobView
  /**
   * Resolves when every byte of `range` (offsets in the uncompressed blob) is in the data file.
   * @throws {CacheError} ERR_CACHE_NO_SPACE when the disk is full (use `read` then), ERR_CACHE_CLOSED, ERR_CACHE_IO.
   * @throws {FormatError | DigestError} when the blob does not hold what the bootstrap says.
   */
  fill(range: ByteRange, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** The bytes of `range`, a copy; works on a full disk too. Throws what `fill` throws, but ERR_CACHE_NO_SPACE. */
  read(range: ByteRange, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
  readonly stats: CacheStats
  /** Makes what was fetched survive a restart; happens by itself every few seconds and on `close`. */
  flush(): Promise<void>
  /** Ends all fetches, keeps what has arrived, persists readiness, closes the files. May be called twice. */
  close(): Promise<void>
}

/** The parts a cache is made of. */
export interface BlobCacheParts {
  readonly blob: BlobInfo
  readonly store: ChunkStore
  readonly fetch: BlobFetch
  readonly decode: DecodeContext
  /** False for chunks that nobody will ask for. */
  readonly isReferenced: (chunkIndex: number) => boolean
  readonly policy: FetchPolicy
  readonly limits: FetchLimits
}

/** Assembles a cache; `openBlobCache` is the way to get one. @internal */
export function createBlobCache(parts: BlobCacheParts): BlobCache {
  const { blob, store, fetch, decode, policy, limits } = parts
  const { view } = store
  const flights = createChunkFlights()
  const memory = createMemoryChunks(Math.max(MIN_MEMORY_BYTES, 2 * blob.chunkSize))
  let closing: Promise<void> | undefined

  const isTaken = (index: number): boolean => isReady(view.readyBits, index) || flights.has(index)

  // Chunks of files that this image does not show (any more) have no digest in its bootstrap: nobody asks for them, and
  // they would get into a cache that other images use as well without having been checked.
  const isUnwanted = (index: number): boolean => isTaken(index) || !parts.isReferenced(index)

  const launch = (run: FetchRun, missing: ReadonlySet<number>): void => {
    const chunks = run.units.flatMap(chunksOf).filter((index) => missing.has(index) || !isUnwanted(index))
    const ports = { decode, fetch: fetch.read, store: store.store }
    flights.start(chunks, (flight) => limits.run(run.length, flight.signal, () => flyRun(run, ports, flight)))
  }

  /** Gets the chunks of `range`; returns those that are not in the file. */
  const acquire = async (
    range: ByteRange,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<number, Uint8Array>> => {
    if (closing !== undefined)
      throw new CacheError('ERR_CACHE_CLOSED', `blob ${blob.blobId}: its cache is closed`)
    signal?.throwIfAborted()
    checkRange(range.offset, range.length, view.uncompressedSize, `read of blob ${blob.blobId}`)
    const absent = chunksIn(view, range).filter((index) => !isReady(view.readyBits, index))
    if (absent.length === 0) return NONE
    const remembered = memory.take(absent)
    const wanted = absent.filter((index) => !remembered.has(index))
    const missing = wanted.filter((index) => !flights.has(index))
    for (const index of missing) checkDecodable(blob.blobId, index, decode.meta.chunk(index))
    // What is fetched along with no room to keep it would be fetched for nothing.
    const reach = store.isFull ? NO_AMPLIFICATION : policy
    const runs = planFetch(decode.meta, missing, isUnwanted, reach)
    for (const run of runs) checkRun(blob, run)
    for (const run of runs) launch(run, new Set(missing))
    const fetched = await flights.wait(wanted, signal)
    memory.keep(fetched)
    return new Map([...remembered, ...fetched])
  }

  return {
    blob,
    view: () => view,
    async fill(range, options) {
      const loose = await acquire(range, options?.signal)
      if (loose.size === 0) return
      throw new CacheError('ERR_CACHE_NO_SPACE', `blob ${blob.blobId}: no space for ${loose.size} chunks`, {
        details: { blobId: blob.blobId, chunks: loose.size },
        hint: 'free space in the cache directory',
      })
    },
    async read(range, options) {
      const loose = await acquire(range, options?.signal)
      const bytes = await store.read(range.offset, range.length)
      for (const [index, chunk] of loose)
        overlay(bytes, range.offset, chunk, view.chunkStarts[index] as number)
      return bytes
    },
    get stats() {
      const readyChunks = countReady(view.readyBits, view.chunkStarts.length)
      const { persistFailure } = store
      return { ...fetch.counts(), chunkCount: view.chunkStarts.length, readyChunks, persistFailure }
    },
    flush: store.flush,
    close() {
      closing ??= flights
        .landAll(new CacheError('ERR_CACHE_CLOSED', `blob ${blob.blobId}: its cache was closed`))
        .then(() => store.close())
      return closing
    },
  }
}

/** Bytes of chunks that a blob keeps in memory on a full disk, unless two of its chunks are more. */
const MIN_MEMORY_BYTES = 4 << 20
/** Stored bytes of the largest chunk or batch, with what compression may add to bytes that do not compress. */
const MAX_UNIT_BYTES = (16 << 20) + (1 << 17)
const NO_AMPLIFICATION: FetchPolicy = { amplifyBytes: 0 }

const NONE: ReadonlyMap<number, Uint8Array> = new Map()

/** The blob meta says where to read and how much: it must lie in the blob, and a unit cannot be larger than the largest chunk. */
function checkRun(blob: BlobInfo, run: FetchRun): void {
  const unit = run.units.find(({ length }) => length > MAX_UNIT_BYTES)
  if (unit === undefined && (blob.compressedSize === 0 || run.offset + run.length <= blob.compressedSize))
    return
  const { offset, length } = unit ?? run
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `blob ${blob.blobId}: its blob meta has ${length} stored bytes at 0x${offset.toString(16)}, the blob has ${blob.compressedSize}`,
    { details: { blobId: blob.blobId, offset, length, compressedSize: blob.compressedSize } },
  )
}

/** Indexes of the chunks that `range` touches. */
function chunksIn(view: SharedBlobView, range: ByteRange): readonly number[] {
  const chunks: number[] = []
  const end = range.offset + range.length
  for (let index = firstChunkAt(view, range.offset); index < view.chunkStarts.length; index++) {
    if ((view.chunkStarts[index] as number) >= end) break
    chunks.push(index)
  }
  return chunks
}

/** Copies what `chunk`, which starts at `chunkStart`, has in common with `bytes`, which start at `offset`. */
function overlay(bytes: Uint8Array, offset: number, chunk: Uint8Array, chunkStart: number): void {
  const from = Math.max(0, offset - chunkStart)
  const to = Math.min(chunk.length, offset + bytes.length - chunkStart)
  if (from < to) bytes.set(chunk.subarray(from, to), chunkStart + from - offset)
}
