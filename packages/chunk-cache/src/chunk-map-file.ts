// SPDX-License-Identifier: Apache-2.0
/**
 * `<blob id>.blob.data.chunk_map` on disk.
 *
 * Order of a flush: the bits to persist are chosen, the data file is made durable, then the bits are written; so a bit
 * on disk is never ahead of its data. Several processes may have the file open (the original takes no lock either):
 * bits are only ever OR-ed into what the file holds at that moment. Two flushes that meet may lose a bit, which costs
 * one more fetch, and the next flush of either process writes its bits again.
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, link, open, unlink } from 'node:fs/promises'
import { CacheError, cacheFailure } from './cache-error.ts'
import {
  bitmapBytes,
  CHUNK_MAP_ALL_READY,
  CHUNK_MAP_MAGIC,
  CHUNK_MAP_MAGIC2,
  CHUNK_MAP_VERSION,
  ChunkMapHeader,
  chunkMapFileBytes,
  clearReady,
  countReady,
} from './chunk-map.ts'
import { hasCode, readAt, writeAt } from './file-io.ts'

/** Readiness in shared memory and, usually, in a file. */
export interface ChunkMapFile {
  /** Readiness of each chunk, in shared memory. Set bits here after the data was written; `flush` persists them. */
  readonly bits: Uint8Array
  /** Persists all bits. @param syncData makes the data of all bits set so far durable. @throws {CacheError} */
  flush(syncData: () => Promise<void>): Promise<void>
  /** Forgets, in memory, what no flush has persisted: its data is not to be trusted. */
  forgetUnsaved(): void
  /** Forgets the chunks for which `isLost` holds, in memory and on disk. */
  forget(isLost: (chunk: number) => boolean): Promise<void>
  close(): Promise<void>
}

/**
 * Opens or creates the file. A shorter file is extended.
 * @throws {CacheError} ERR_CACHE_STATE_CORRUPT for a longer file or a strange header, ERR_CACHE_IO, ERR_CACHE_NO_SPACE.
 */
export async function openChunkMapFile(path: string, chunkCount: number): Promise<ChunkMapFile> {
  const file = await openOrCreate(path, chunkCount)
  try {
    const bits = await readBits(file, path, chunkCount)
    return chunkMapOn(file, path, chunkCount, bits)
  } catch (error) {
    await file.close()
    throw error instanceof CacheError ? error : cacheFailure('read', path, error)
  }
}

function chunkMapOn(file: FileHandle, path: string, chunkCount: number, bits: Uint8Array): ChunkMapFile {
  let queue: Promise<void> = Promise.resolve()
  const saved = Uint8Array.from(bits)
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = queue.then(work).catch((error: unknown) => {
      throw error instanceof CacheError ? error : cacheFailure('write', path, error)
    })
    queue = turn.catch(() => {})
    return turn
  }
  return {
    bits,
    flush: (syncData) =>
      inTurn(async () => {
        const durable = Uint8Array.from(bits)
        await syncData()
        const onDisk = await readAt(file, ChunkMapHeader.size, bits.length)
        let differs = false
        for (let i = 0; i < bits.length; i++) {
          const merged = (onDisk[i] as number) | (durable[i] as number)
          differs ||= merged !== onDisk[i]
          onDisk[i] = merged
          Atomics.or(bits, i, merged)
        }
        if (differs) await writeAt(file, onDisk, ChunkMapHeader.size)
        saved.set(onDisk)
      }),
    forgetUnsaved() {
      for (let i = 0; i < bits.length; i++) Atomics.and(bits, i, saved[i] as number)
    },
    forget: (isLost) =>
      inTurn(async () => {
        for (let chunk = 0; chunk < chunkCount; chunk++) if (isLost(chunk)) clearReady(bits, chunk)
        await writeAt(file, headerBytes(false), 0)
        saved.set(bits)
        await writeAt(file, Uint8Array.from(saved), ChunkMapHeader.size)
      }),
    async close() {
      await queue
      await file.close()
    },
  }
}

async function openOrCreate(path: string, chunkCount: number): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw cacheFailure('open', path, error)
  }
  // A new map appears under its name with its full size, so that nobody ever opens half of one.
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.truncate(chunkMapFileBytes(chunkCount))
      await writeAt(file, headerBytes(false), 0)
    } finally {
      await file.close()
    }
    await link(draft, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    return await open(path, 'r+')
  } catch (error) {
    throw cacheFailure('create', path, error)
  } finally {
    await unlink(draft).catch(() => {})
  }
}

async function readBits(file: FileHandle, path: string, chunkCount: number): Promise<Uint8Array> {
  const { size } = await file.stat()
  const expected = chunkMapFileBytes(chunkCount)
  if (size > expected) throw corrupt(path, `has ${size} bytes, expected ${expected}`)
  if (size < expected) await file.truncate(expected)
  const header = await readAt(file, 0, ChunkMapHeader.size)
  const allReady = await checkHeader(file, path, header)
  const stored = await readAt(file, ChunkMapHeader.size, bitmapBytes(chunkCount))
  const bits = new Uint8Array(new SharedArrayBuffer(stored.length))
  bits.set(stored)
  if (allReady) bits.fill(0xff)
  // What lies behind the last chunk is not a chunk.
  for (let chunk = chunkCount; chunk < bits.length * 8; chunk++) clearReady(bits, chunk)
  if (!allReady && chunkCount > 0 && countReady(bits, chunkCount) === chunkCount)
    await writeAt(file, headerBytes(true), 0)
  return bits
}

/** Tells whether the map is marked complete. A header of zeros is that of a file cut short by a crash: it is written anew. */
async function checkHeader(file: FileHandle, path: string, bytes: Uint8Array): Promise<boolean> {
  const header = ChunkMapHeader.view(bytes)
  const { magic, magic2, version, allReady } = header
  if (magic === 0 && magic2 === 0 && version === 0) {
    await writeAt(file, headerBytes(false), 0)
    return false
  }
  if (magic !== CHUNK_MAP_MAGIC || magic2 !== CHUNK_MAP_MAGIC2 || version !== CHUNK_MAP_VERSION) {
    throw corrupt(path, `has magic 0x${magic.toString(16)}, 0x${magic2.toString(16)} and version ${version}`)
  }
  return allReady === CHUNK_MAP_ALL_READY
}

function headerBytes(allReady: boolean): Uint8Array {
  return ChunkMapHeader.encode({
    magic: CHUNK_MAP_MAGIC,
    version: CHUNK_MAP_VERSION,
    magic2: CHUNK_MAP_MAGIC2,
    allReady: allReady ? CHUNK_MAP_ALL_READY : 0,
  })
}

function corrupt(path: string, what: string): CacheError {
  return new CacheError('ERR_CACHE_STATE_CORRUPT', `chunk map ${path} ${what}`, {
    details: { path },
    hint: 'remove this blob’s files from the cache directory while nothing uses them',
  })
}
