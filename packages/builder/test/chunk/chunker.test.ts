// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { allocateBatch, BATCH_MAX_CHUNKS, batchChunk, type ChunkBatch } from '../../src/chunk/chunk-batch.ts'
import type { ChunkLane } from '../../src/chunk/chunk-pool.ts'
import { Chunker, chunkCountOf } from '../../src/chunk/chunker.ts'
import { noise, pieces } from '../layer-bytes.ts'

const CAPACITY = 1 << 20

function setUp(chunkSize: number) {
  const batches: ChunkBatch[] = []
  const released: ChunkBatch[] = []
  const lane = {
    acquire: async () => allocateBatch(CAPACITY),
    release: (batch: ChunkBatch) => void released.push(batch),
  } as unknown as ChunkLane
  const chunker = new Chunker(lane, chunkSize, (batch) => void batches.push(batch))
  const chunks = () =>
    batches.flatMap((batch) =>
      Array.from({ length: batch.count }, (_, i) => Buffer.from(batchChunk(batch, i))),
    )
  return { chunker, batches, released, chunks }
}

describe('Chunker', () => {
  it.each([1, 700, 4096, 1 << 20])('cuts files into chunks whatever the pieces (%i bytes)', async (piece) => {
    const { chunker, chunks } = setUp(4096)
    const files = [noise(1), noise(4096, 2), noise(10_000, 3), noise(8192, 4)]
    for (const file of files) await chunker.addFile(file.length, pieces(file, piece))
    chunker.flush()
    expect(chunks().map(({ length }) => length)).toEqual([1, 4096, 4096, 4096, 1808, 4096, 4096])
    expect(Buffer.concat(chunks()).equals(Buffer.concat(files))).toBe(true)
  })

  it('starts a new batch when the next chunk does not fit', async () => {
    const { chunker, batches, chunks } = setUp(CAPACITY)
    const files = [noise(600_000), noise(600_000, 2), noise(400_000, 3), noise(2 * CAPACITY, 4)]
    for (const file of files) await chunker.addFile(file.length, pieces(file))
    chunker.flush()
    expect(batches.map(({ count, filled }) => [count, filled])).toEqual([
      [1, 600_000],
      [2, 1_000_000],
      [1, CAPACITY],
      [1, CAPACITY],
    ])
    expect(Buffer.concat(chunks()).equals(Buffer.concat(files))).toBe(true)
  })

  it('bounds the chunks of a batch', async () => {
    const { chunker, batches } = setUp(4096)
    for (let i = 0; i < BATCH_MAX_CHUNKS + 3; i++) await chunker.addFile(1, pieces(noise(1)))
    chunker.flush()
    chunker.flush()
    expect(batches.map(({ count }) => count)).toEqual([BATCH_MAX_CHUNKS, 3])
  })

  it('gives back a batch that is not submitted', async () => {
    const { chunker, batches, released } = setUp(4096)
    await expect(chunker.addFile(100, pieces(noise(60)))).rejects.toThrow('40 bytes short')
    chunker.discard()
    chunker.discard()
    chunker.flush()
    expect([batches.length, released.length]).toEqual([0, 1])
  })
})

it.each([
  [0, 0],
  [1, 1],
  [4096, 1],
  [4097, 2],
])('chunkCountOf %i bytes is %i', (size, count) => {
  expect(chunkCountOf(size, 4096)).toBe(count)
})
