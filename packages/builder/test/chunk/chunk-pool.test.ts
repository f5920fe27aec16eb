// SPDX-License-Identifier: Apache-2.0
import { crc32c } from '@nydus/base/binary'
import { decompressExact } from '@nydus/base/compress'
import { digestBytes } from '@nydus/base/digest'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { batchDigest, batchStored, type ChunkBatch, STORED_SKIPPED } from '../../src/chunk/chunk-batch.ts'
import { createChunkPool, type LaneOptions } from '../../src/chunk/chunk-pool.ts'
import { noise, prose } from '../layer-bytes.ts'

const OPTIONS: LaneOptions = { compressor: 'zstd', digester: 'blake3', chunkSize: 1 << 20 }
const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())

function fill(batch: ChunkBatch, chunks: readonly Uint8Array[]): ChunkBatch {
  for (const chunk of chunks) {
    batch.offsets[batch.count] = batch.filled
    batch.sizes[batch.count] = chunk.length
    batch.data.set(chunk, batch.filled)
    batch.filled += chunk.length
    batch.count += 1
  }
  return batch
}

describe('ChunkPool', () => {
  it.each([
    ['zstd', 'blake3'],
    ['lz4_block', 'sha256'],
    ['none', 'blake3'],
  ] as const)('digests and compresses in place: %s, %s', async (compressor, digester) => {
    const lane = pool.openLane({ ...OPTIONS, compressor, digester })
    const chunks = [prose(300_000), noise(5000), prose(100, 2), noise(1, 9), prose(70_000, 3)]
    const batch = fill(await lane.acquire(), chunks)
    await lane.process(batch)
    chunks.forEach((chunk, i) => {
      const stored = batchStored(batch, i)
      const plain =
        stored.length === chunk.length ? stored : decompressExact(compressor, stored, chunk.length)
      expect(Buffer.compare(plain, chunk)).toBe(0)
      expect(batch.crcs[i]).toBe(crc32c(chunk))
      expect(Buffer.compare(batchDigest(batch, i), digestBytes(digester, chunk))).toBe(0)
    })
    expect(batch.storedSizes[0] === 300_000).toBe(compressor === 'none')
    lane.release(batch)
    lane.close()
  })

  it('skips what a lane had before, but not what another lane had', async () => {
    const single = createChunkPool({ workers: 1 })
    const [one, other] = [single.openLane(OPTIONS), single.openLane(OPTIONS)]
    const results: (number | undefined)[] = []
    for (const lane of [one, one, other]) {
      const batch = fill(await lane.acquire(), [noise(3000)])
      await lane.process(batch)
      results.push(batch.storedSizes[0])
    }
    expect(results).toEqual([3000, STORED_SKIPPED, 3000])
    await single.close()
  })

  it('bounds the bytes in flight over all lanes', async () => {
    const small = createChunkPool({ workers: 1, maxInFlightBytes: 4 << 20 })
    const lane = small.openLane(OPTIONS)
    const held = [await lane.acquire(), await lane.acquire(), await lane.acquire(), await lane.acquire()]
    let granted = false
    const waiting = lane.acquire().then(() => {
      granted = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(granted).toBe(false)
    lane.release(held[0] as ChunkBatch)
    await waiting
    await small.close()
  })

  it('rejects what waits when a lane is closed, and serves the others', async () => {
    const small = createChunkPool({ workers: 1, maxInFlightBytes: 1 << 20 })
    const [lane, other] = [small.openLane(OPTIONS), small.openLane(OPTIONS)]
    await lane.acquire()
    await lane.acquire()
    const waiting = lane.acquire()
    lane.close(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    await expect(lane.acquire()).rejects.toThrow('stopped')
    await expect(other.acquire()).resolves.toBeDefined()
    await small.close()
  })

  it('rejects work after it was closed', async () => {
    const closed = createChunkPool({ workers: 1 })
    const lane = closed.openLane(OPTIONS)
    const batch = fill(await lane.acquire(), [noise(10)])
    const underWay = expect(lane.process(batch)).rejects.toMatchObject({ code: 'ERR_BUILD_IO' })
    await closed.close()
    await underWay
    await expect(lane.process(batch)).rejects.toMatchObject({ code: 'ERR_BUILD_IO' })
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %d workers', (workers) => {
    expect(() => createChunkPool({ workers })).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
  })
})

describe('a worker that crashes', () => {
  afterEach(() => {
    vi.doUnmock('../../src/worker/worker-entry.ts')
    vi.resetModules()
  })

  it('fails its work, and the next work gets a new worker', async () => {
    const real = await vi.importActual<typeof import('../../src/worker/worker-entry.ts')>(
      '../../src/worker/worker-entry.ts',
    )
    let starts = 0
    const crashing = new URL(
      "data:text/javascript,import{parentPort}from'node:worker_threads';parentPort.on('message',()=>{throw new Error('out of luck')})",
    )
    vi.doMock('../../src/worker/worker-entry.ts', () => ({
      workerEntry: (role: Parameters<typeof real.workerEntry>[0]) => {
        starts += 1
        return starts === 1 ? { url: crashing, options: {} } : real.workerEntry(role)
      },
    }))
    vi.resetModules()
    const { createChunkPool: create } = await import('../../src/chunk/chunk-pool.ts')
    const fragile = create({ workers: 1 })
    const lane = fragile.openLane(OPTIONS)
    const batch = fill(await lane.acquire(), [prose(5000)])
    await expect(lane.process(batch)).rejects.toMatchObject({
      code: 'ERR_BUILD_IO',
      cause: expect.objectContaining({ message: 'out of luck' }),
    })
    await lane.process(batch)
    expect(batch.storedSizes[0]).toBeLessThan(5000)
    expect(starts).toBe(2)
    await fragile.close()
  })
})
