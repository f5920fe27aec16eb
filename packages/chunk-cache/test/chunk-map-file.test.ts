// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CHUNK_MAP_ALL_READY, ChunkMapHeader, isReady, setReady } from '../src/chunk-map.ts'
import { openChunkMapFile } from '../src/chunk-map-file.ts'
import * as golden from './golden.ts'

const nothing = async (): Promise<void> => {}

function mapPath(): string {
  return join(golden.scratch(onTestFinished), 'x.blob.data.chunk_map')
}

describe('openChunkMapFile', () => {
  it('creates a file of the exact size, and nothing beside it', async () => {
    const path = mapPath()
    const map = await openChunkMapFile(path, 17)
    await map.close()
    expect(statSync(path).size).toBe(4096 + 3)
    expect(readdirSync(join(path, '..'))).toHaveLength(1)
  })

  it('brings back what was flushed, and nothing else', async () => {
    const path = mapPath()
    const map = await openChunkMapFile(path, 17)
    setReady(map.bits, 3)
    await map.flush(nothing)
    setReady(map.bits, 16)
    await map.close()
    const again = await openChunkMapFile(path, 17)
    expect([isReady(again.bits, 3), isReady(again.bits, 16)]).toEqual([true, false])
    await again.close()
  })

  it('writes no bit that was set after the data was synced, and none when syncing fails', async () => {
    const path = mapPath()
    const map = await openChunkMapFile(path, 16)
    setReady(map.bits, 0)
    const seen: number[] = []
    await map.flush(async () => {
      seen.push(readFileSync(path)[4096] ?? -1)
      setReady(map.bits, 1)
    })
    expect(seen).toEqual([0])
    expect(readFileSync(path)[4096]).toBe(0b1000_0000)
    await expect(map.flush(() => Promise.reject(new Error('disk')))).rejects.toMatchObject({
      code: 'ERR_CACHE_IO',
    })
    expect(readFileSync(path)[4096]).toBe(0b1000_0000)
    await map.flush(nothing)
    expect(readFileSync(path)[4096]).toBe(0b1100_0000)
    await map.close()
  })

  it('joins the bits of two who have it open', async () => {
    const path = mapPath()
    const [ours, theirs] = [await openChunkMapFile(path, 16), await openChunkMapFile(path, 16)]
    setReady(ours.bits, 1)
    setReady(theirs.bits, 2)
    await ours.flush(nothing)
    await theirs.flush(nothing)
    expect(readFileSync(path)[4096]).toBe(0b0110_0000)
    expect(isReady(theirs.bits, 1)).toBe(true)
    await Promise.all([ours.close(), theirs.close()])
  })

  it('marks a complete map when it is opened, and believes the mark', async () => {
    const path = mapPath()
    const map = await openChunkMapFile(path, 9)
    for (let i = 0; i < 9; i++) setReady(map.bits, i)
    await map.flush(nothing)
    await map.close()
    expect(ChunkMapHeader.decode(readFileSync(path)).allReady).toBe(0)
    await (await openChunkMapFile(path, 9)).close()
    expect(ChunkMapHeader.decode(readFileSync(path)).allReady).toBe(CHUNK_MAP_ALL_READY)
    const marked = readFileSync(path)
    marked.fill(0, 4096)
    writeFileSync(path, marked)
    const complete = await openChunkMapFile(path, 9)
    expect([...complete.bits]).toEqual([0xff, 0x80])
    await complete.close()
  })

  it('extends a file that was cut short', async () => {
    const path = mapPath()
    await (await openChunkMapFile(path, 64)).close()
    for (const size of [0, 1, 4095, 4096, 4100]) {
      truncateSync(path, size)
      const map = await openChunkMapFile(path, 64).catch((error: unknown) => error)
      // Half a header is not a header that can be repaired.
      if (size === 1) expect(map).toMatchObject({ code: 'ERR_CACHE_STATE_CORRUPT' })
      else {
        if (map instanceof Error) throw map
        await (map as Awaited<ReturnType<typeof openChunkMapFile>>).close()
        expect(statSync(path).size).toBe(4104)
      }
      if (size === 1) truncateSync(path, 0)
    }
  })

  it.each([
    ['a longer file', (file: Buffer) => Buffer.concat([file, Buffer.alloc(1)])],
    ['another magic', (file: Buffer) => Buffer.from(file.map((byte, i) => (i === 0 ? byte ^ 1 : byte)))],
    ['another version', (file: Buffer) => Buffer.from(file.map((byte, i) => (i === 4 ? 2 : byte)))],
    [
      'another second magic',
      (file: Buffer) => Buffer.from(file.map((byte, i) => (i === 9 ? byte ^ 1 : byte))),
    ],
  ])('refuses %s', async (_, change) => {
    const path = mapPath()
    await (await openChunkMapFile(path, 8)).close()
    writeFileSync(path, change(readFileSync(path)))
    await expect(openChunkMapFile(path, 8)).rejects.toMatchObject({ code: 'ERR_CACHE_STATE_CORRUPT' })
  })

  it('forgets chunks on disk too', async () => {
    const path = mapPath()
    const map = await openChunkMapFile(path, 8)
    for (let i = 0; i < 8; i++) setReady(map.bits, i)
    await map.flush(nothing)
    await map.close()
    const again = await openChunkMapFile(path, 8)
    await again.forget((chunk) => chunk >= 4)
    await again.close()
    const file = readFileSync(path)
    expect([file[4096], ChunkMapHeader.decode(file).allReady]).toEqual([0b1111_0000, 0])
  })
})
