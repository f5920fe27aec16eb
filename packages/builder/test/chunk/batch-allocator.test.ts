// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { BatchAllocator, type BatchHolder } from '../../src/chunk/batch-allocator.ts'

const MIB = 1 << 20
const holder = (capacity = MIB, reserve = 1): BatchHolder => ({ held: 0, capacity, reserve })
const isWaiting = async (promise: Promise<unknown>) =>
  (await Promise.race([
    promise.then(() => 'done'),
    new Promise((resolve) => setImmediate(resolve, 'waiting')),
  ])) === 'waiting'

describe('BatchAllocator', () => {
  it('uses released batches again, empty', async () => {
    const allocator = new BatchAllocator(4 * MIB)
    const lane = holder()
    const batch = await allocator.acquire(lane)
    batch.count = 3
    batch.filled = 100
    allocator.release(lane, batch)
    expect(await allocator.acquire(lane)).toBe(batch)
    expect([batch.count, batch.filled, lane.held, allocator.allocatedBytes]).toEqual([0, 0, 1, MIB])
  })

  it('waits at its budget and serves in order', async () => {
    const allocator = new BatchAllocator(2 * MIB)
    const lane = holder()
    const [first, second] = [await allocator.acquire(lane), await allocator.acquire(lane)]
    const [third, fourth] = [allocator.acquire(lane), allocator.acquire(lane)]
    expect([await isWaiting(third), await isWaiting(fourth)]).toEqual([true, true])
    allocator.release(lane, first)
    expect(await third).toBe(first)
    expect(await isWaiting(fourth)).toBe(true)
    allocator.release(lane, second)
    expect(await fourth).toBe(second)
    expect(allocator.allocatedBytes).toBe(2 * MIB)
  })

  it('gives every holder its reserve beyond the budget, and shrinks back', async () => {
    const allocator = new BatchAllocator(MIB)
    const [greedy, late] = [holder(), holder(MIB, 2)]
    const taken = await allocator.acquire(greedy)
    const [one, two] = [await allocator.acquire(late), await allocator.acquire(late)]
    const three = allocator.acquire(late)
    expect(await isWaiting(three)).toBe(true)
    expect(allocator.allocatedBytes).toBe(3 * MIB)
    allocator.release(greedy, taken)
    allocator.release(late, one)
    expect(await isWaiting(three)).toBe(false)
    allocator.release(late, two)
    allocator.release(late, await three)
    expect(allocator.allocatedBytes).toBe(MIB)
  })

  it('trades free batches of one size for another', async () => {
    const allocator = new BatchAllocator(4 * MIB)
    const [small, large] = [holder(), holder(4 * MIB, 0)]
    allocator.release(small, await allocator.acquire(small))
    const batch = await allocator.acquire(large)
    expect([batch.data.length, allocator.allocatedBytes]).toEqual([4 * MIB, 4 * MIB])
  })

  it('rejects only the waits of the holder that is cancelled', async () => {
    const allocator = new BatchAllocator(MIB)
    const [one, other] = [holder(MIB, 0), holder(MIB, 0)]
    const batch = await allocator.acquire(one)
    const [cancelled, kept] = [allocator.acquire(one), allocator.acquire(other)]
    allocator.cancel(one, new Error('closed'))
    await expect(cancelled).rejects.toThrow('closed')
    allocator.release(one, batch)
    expect(await kept).toBe(batch)
  })
})
