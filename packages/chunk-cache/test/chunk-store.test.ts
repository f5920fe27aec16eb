// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isReady } from '../src/chunk-map.ts'
import { openChunkMapFile } from '../src/chunk-map-file.ts'
import { createChunkStore } from '../src/chunk-store.ts'
import { plainData } from '../src/plain-data.ts'
import * as golden from './golden.ts'

const SIZE = 4096
const chunk = new Uint8Array(SIZE).fill(1)

/** A store of four chunks whose file cannot be synced while `disk.fails`. */
async function store() {
  const directory = golden.scratch(onTestFinished)
  const path = join(directory, 'data')
  const file = await open(path, 'w+')
  const map = await openChunkMapFile(`${path}.chunk_map`, 4)
  const disk = { fails: false, onWrite: undefined as (() => Promise<void>) | undefined }
  const handle = {
    fd: file.fd,
    read: file.read.bind(file),
    close: file.close.bind(file),
    async write(...args: Parameters<FileHandle['write']>) {
      const written = await file.write(...args)
      await disk.onWrite?.()
      return written
    },
    async datasync() {
      if (disk.fails) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
      await file.datasync()
    },
  }
  const bounds = {
    chunkStarts: Float64Array.of(0, SIZE, 2 * SIZE, 3 * SIZE),
    chunkSizes: Uint32Array.of(SIZE, SIZE, SIZE, SIZE),
  }
  const data = plainData(handle as unknown as FileHandle, path, bounds)
  const made = createChunkStore(data, map, { blobIndex: 0, uncompressedSize: 4 * SIZE, ...bounds })
  onTestFinished(() => made.close())
  const ready = () => [0, 1, 2, 3].filter((index) => isReady(map.bits, index))
  return { store: made, disk, ready, path }
}

describe('a data file that cannot be synced', () => {
  it('is not trusted for what was written since the last sync, and is used again when it can', async () => {
    const { store: made, disk, ready, path } = await store()
    await made.store(0, [chunk], [])
    await made.flush()
    await made.store(1, [chunk, chunk], [])
    disk.fails = true
    await expect(made.flush()).rejects.toMatchObject({ code: 'ERR_CACHE_IO' })
    expect(ready()).toEqual([0])
    expect(made.persistFailure?.message).toContain('cannot sync')
    disk.fails = false
    await made.store(1, [chunk], [])
    await made.flush()
    expect(ready()).toEqual([0, 1])
    const again = await openChunkMapFile(`${path}.chunk_map`, 4)
    expect([0, 1, 2, 3].filter((index) => isReady(again.bits, index))).toEqual([0, 1])
    await again.close()
  })

  it('does not make a chunk ready that was being written then', async () => {
    const { store: made, disk, ready } = await store()
    await made.store(0, [chunk], [])
    disk.fails = true
    disk.onWrite = () => made.flush().catch(() => {})
    expect(await made.store(1, [chunk], [])).toBe(false)
    expect(ready()).toEqual([])
  })
})
