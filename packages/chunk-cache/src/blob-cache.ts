// SPDX-License-Identifier: Apache-2.0
/** The cache of one blob at work: ready bytes come from the file, everything else through flights. */
import { type ByteRange, checkRange } from '@nydus/base/binary'
import { DigestError } from '@nydus/base/error'
import type { BlobInfo } from '@nydus/rafs-format'
import type { BlobFetch, FetchCounts } from './blob-fetch.ts'
import { CacheError } from './cache-error.ts'
import { checkUnit } from './check-unit.ts'
import { createChunkFlights } from './chunk-flights.ts'
import { countReady, isReady } from './chunk-map.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { DecodeContext } from './decode-chunk.ts'
import type { FetchLimits } from './fetch-limits.ts'
import { flyRun } from './fly-run.ts'
import { createMemoryChunks } from './memory-chunks.ts'
import { chunksOf, type FetchPolicy, type FetchRun, planFetch } from './plan-fetch.ts'
import { createRecovery } from './recover-chunks.ts'
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
  /** No file says what is ready: chunks may be in the data file already. */
  readonly isVolatile: boolean
  /** False for chunks that nobody will ask for. */
  readonly isReferenced: (chunkIndex: number) => boolean
  readonly policy: FetchPolicy
  readonly limits: FetchLimits
}

/** Assembles a cache; `openBlobCache` is the way to get one. @internal */
export function createBlobCache(parts: BlobCacheParts): BlobCache {
  const { blob, store, fetch, decode, policy, limits } = parts
  const { view, bits } = store
  const recover = parts.isVolatile ? createRecovery(store, decode) : undefined
  const flights = createChunkFlights()
  const memory = createMemoryChunks(Math.max(MIN_MEMORY_BYTES, 2 * blob.chunkSize))
  let closing: Promise<void> | undefined

  const isTaken = (index: number): boolean => isReady(bits, index) || flights.has(index)

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
    signal?.throwIfAborted()
    checkRange(range.offset, range.length, view.uncompressedSize, `read of blob ${blob.blobId}`)
    const touched = chunksIn(view, range)
    if (recover !== undefined) await recover(touched)
    // Between this look at what is there and the launch nothing may be waited for, or chunks would be fetched twice.
    if (closing !== undefined)
      throw new CacheError('ERR_CACHE_CLOSED', `blob ${blob.blobId}: its cache is closed`)
    const absent = touched.filter((index) => !isReady(bits, index))
    if (absent.length === 0) return NONE
    const remembered = memory.take(absent)
    const wanted = absent.filter((index) => !remembered.has(index))
    const missing = wanted.filter((index) => !flights.has(index))
    // What is fetched along with no room to keep it would be fetched for nothing.
    const reach = store.isFull ? NO_AMPLIFICATION : policy
    const runs = planFetch(decode.layout, missing, isUnwanted, reach)
    for (const { units } of runs) for (const unit of units) checkUnit(blob, unit)
    for (const run of runs) launch(run, new Set(missing))
    const fetched = await flights.wait(wanted, signal)
    memory.keep(fetched)
    return new Map([...remembered, ...fetched])
  }

  /** Undefined when what is in the file is wrong: then it is forgotten, and can be fetched again. */
  const readStore = async (range: ByteRange): Promise<Uint8Array | undefined> => {
    try {
      return await store.read(range)
    } catch (error) {
      if (!(error instanceof DigestError)) throw error
      const wrong = new Set(chunksIn(view, range))
      await store.distrust((index) => wrong.has(index))
      return undefined
    }
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
      let loose = await acquire(range, options?.signal)
      let bytes = await readStore(range)
      if (bytes === undefined) {
        loose = await acquire(range, options?.signal)
        bytes = await store.read(range)
      }
      for (const [index, chunk] of loose)
        overlay(bytes, range.offset, chunk, view.chunkStarts[index] as number)
      return bytes
    },
    get stats() {
      const readyChunks = countReady(bits, view.chunkStarts.length)
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
const NO_AMPLIFICATION: FetchPolicy = { amplifyBytes: 0 }

const NONE: ReadonlyMap<number, Uint8Array> = new Map()

/** Indexes of the chunks that `range` touches. */
function chunksIn(view: SharedBlobView, range: ByteRange): readonly number[] {
  const chunks: number[] = []
  const end = range.offset + range.length
  for (let index = firstChunkAt(view, range.offset); index < view.chunkStarts.length; index++) {
    if ((view.chunkStarts[index] as number) >= end) break
    if (view.chunkSizes[index] !== 0) chunks.push(index)
  }
  return chunks
}

/** Copies what `chunk`, which starts at `chunkStart`, has in common with `bytes`, which start at `offset`. */
function overlay(bytes: Uint8Array, offset: number, chunk: Uint8Array, chunkStart: number): void {
  const from = Math.max(0, offset - chunkStart)
  const to = Math.min(chunk.length, offset + bytes.length - chunkStart)
  if (from < to) bytes.set(chunk.subarray(from, to), chunkStart + from - offset)
}
