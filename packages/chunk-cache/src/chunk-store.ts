// SPDX-License-Identifier: Apache-2.0
/** Data file and chunk map of one blob together: chunks are written here and become ready here. */
import type { FileHandle } from 'node:fs/promises'
import { type CacheError, cacheFailure } from './cache-error.ts'
import { setReady } from './chunk-map.ts'
import type { ChunkMapFile } from './chunk-map-file.ts'
import { readAt, writeAt } from './file-io.ts'
import type { SharedBlobView } from './shared-view.ts'

/** The files of one blob. */
export interface ChunkStore {
  readonly view: SharedBlobView
  /** Writes consecutive chunks and marks them ready; false when the disk is full or has just lost data. @throws {CacheError} ERR_CACHE_IO */
  store(first: number, chunks: readonly Uint8Array[]): Promise<boolean>
  /** Bytes of the data file; what is not ready reads as anything. */
  read(offset: number, length: number): Promise<Uint8Array>
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

/** @param path of the data file, for messages. The store owns `file` and `map` and closes them. */
export function createChunkStore(
  file: FileHandle,
  path: string,
  map: ChunkMapFile,
  view: SharedBlobView,
): ChunkStore {
  let timer: NodeJS.Timeout | undefined
  let dirty = false
  let isFull = false
  /** Counts the failures to sync. */
  let losses = 0
  let persistFailure: CacheError | undefined

  const syncData = async (): Promise<void> => {
    try {
      await file.datasync()
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
    view,
    flush,
    get isFull() {
      return isFull
    },
    get persistFailure() {
      return persistFailure
    },
    async store(first, chunks) {
      const lossesBefore = losses
      try {
        await writeAt(file, joinChunks(view, first, chunks), view.chunkStarts[first] as number)
        isFull = false
      } catch (error) {
        const failure = cacheFailure('write', path, error)
        isFull = failure.code === 'ERR_CACHE_NO_SPACE'
        if (isFull) return false
        throw failure
      }
      if (losses !== lossesBefore) return false
      for (let i = 0; i < chunks.length; i++) setReady(view.readyBits, first + i)
      markDirty()
      return true
    },
    async read(offset, length) {
      try {
        return await readAt(file, offset, length)
      } catch (error) {
        throw cacheFailure('read', path, error)
      }
    },
    async close() {
      await flush().catch(() => {})
      await map.close().finally(() => file.close())
    },
  }
}

/** Chunks as they lie in the uncompressed blob, from the start of the first: padding between them is zero. */
function joinChunks(view: SharedBlobView, first: number, chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const start = view.chunkStarts[first] as number
  const last = first + chunks.length - 1
  const joined = new Uint8Array(
    (view.chunkStarts[last] as number) + (view.chunkSizes[last] as number) - start,
  )
  for (const [i, bytes] of chunks.entries()) {
    joined.set(bytes, (view.chunkStarts[first + i] as number) - start)
  }
  return joined
}
