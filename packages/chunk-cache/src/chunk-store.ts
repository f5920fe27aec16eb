// SPDX-License-Identifier: Apache-2.0
/** Data file and chunk map of one blob together: chunks are written here and become ready here. */
import type { ByteRange } from '@nydus/base/binary'
import { DigestError } from '@nydus/base/error'
import { type CacheError, cacheFailure } from './cache-error.ts'
import type { ChunkData, StoredBytes } from './chunk-data.ts'
import { isReady, setReady } from './chunk-map.ts'
import type { ChunkMapFile } from './chunk-map-file.ts'
import type { SharedBlobView } from './shared-view.ts'

/** The files of one blob. */
export interface ChunkStore {
  /** For other threads. */
  readonly view: SharedBlobView
  /** Readiness of each chunk, in shared memory. */
  readonly bits: Uint8Array
  /**
   * Writes consecutive chunks and marks them ready; false when the disk is full or has just lost data.
   * @param stored what they were decoded from.
   * @throws {CacheError} ERR_CACHE_IO
   */
  store(first: number, chunks: readonly Uint8Array[], stored: readonly StoredBytes[]): Promise<boolean>
  /**
   * Bytes of the uncompressed blob; what is not ready reads as anything.
   * @throws {DigestError} when a cache that can tell does not hold what its map says.
   */
  read(range: ByteRange): Promise<Uint8Array>
  /** Marks chunks that are in the file already ready. */
  adopt(chunk: number): void
  /** Forgets chunks whose data turned out to be wrong. */
  distrust(isWrong: (chunk: number) => boolean): Promise<void>
  /** Persists readiness now. */
  flush(): Promise<void>
  /** The last write found no room. */
  readonly isFull: boolean
  /** The last failure to persist readiness; data in use is not affected, a restart fetches it again. */
  readonly persistFailure: CacheError | undefined
  /** Persists readiness and closes the files. */
  close(): Promise<void>
}

/** Readiness reaches the disk this long after the first write. Each time costs an fdatasync of what was written. */
const FLUSH_MS = 5000

/** @param view without what the files give. The store owns `data` and `map` and closes them. */
export function createChunkStore(
  data: ChunkData,
  map: ChunkMapFile,
  view: Omit<SharedBlobView, 'fd' | 'readyBits'>,
): ChunkStore {
  const { path } = data
  const { bits } = map
  let timer: NodeJS.Timeout | undefined
  let dirty = false
  let isFull = false
  /** Counts the failures to sync. */
  let losses = 0
  let persistFailure: CacheError | undefined

  const syncData = async (): Promise<void> => {
    try {
      await data.sync()
    } catch (error) {
      // The kernel may have dropped what it could not write, and says so only once: trust nothing of it any more, and
      // fetch it again when it is asked for.
      losses++
      map.forgetUnsaved()
      throw cacheFailure('sync', path, error)
    }
  }

  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (!dirty) return
    dirty = false
    try {
      await map.flush(syncData)
    } catch (error) {
      dirty = true
      persistFailure = error as CacheError
      throw error
    }
  }

  const markDirty = (): void => {
    dirty = true
    timer ??= setTimeout(() => void flush().catch(() => {}), FLUSH_MS).unref()
  }

  return {
    view: { ...view, fd: data.fd, readyBits: data.fd < 0 ? NO_BITS : bits },
    bits,
    flush,
    get isFull() {
      return isFull
    },
    get persistFailure() {
      return persistFailure
    },
    async store(first, chunks, stored) {
      const lossesBefore = losses
      try {
        await data.write(first, chunks, stored)
        isFull = false
      } catch (error) {
        const failure = cacheFailure('write', path, error)
        isFull = failure.code === 'ERR_CACHE_NO_SPACE'
        if (isFull) return false
        throw failure
      }
      if (losses !== lossesBefore) return false
      for (let i = 0; i < chunks.length; i++) setReady(bits, first + i)
      markDirty()
      return true
    },
    async read(range) {
      try {
        return await data.read(range, (index) => isReady(bits, index))
      } catch (error) {
        throw error instanceof DigestError ? error : cacheFailure('read', path, error)
      }
    },
    adopt(chunk) {
      setReady(bits, chunk)
      markDirty()
    },
    distrust: (isWrong) => map.forget(isWrong),
    async close() {
      await flush().catch(() => {})
      await map.close().finally(() => data.close())
    },
  }
}

const NO_BITS = new Uint8Array(new SharedArrayBuffer(0))
