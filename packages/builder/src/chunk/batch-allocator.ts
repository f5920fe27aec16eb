// SPDX-License-Identifier: Apache-2.0
/** Hands out batches within a budget of bytes and takes them back for the next use. */
import { allocateBatch, type ChunkBatch } from './chunk-batch.ts'

/** A taker of batches. */
export interface BatchHolder {
  /** Batches held now. */
  held: number
  /** Capacity of its batches, bytes. */
  readonly capacity: number
  /** Batches that it may hold whatever the others hold, so that none can starve. */
  readonly reserve: number
}

interface Waiter {
  readonly holder: BatchHolder
  resolve(batch: ChunkBatch): void
  reject(cause: unknown): void
}

/** The batches of one pool. */
export class BatchAllocator {
  readonly #budget: number
  readonly #free = new Map<number, ChunkBatch[]>()
  #waiters: Waiter[] = []
  #allocated = 0

  /** @param budget bytes of batches that may exist at a time. */
  constructor(budget: number) {
    this.#budget = budget
  }

  /** Bytes of all batches that exist, free ones included. */
  get allocatedBytes(): number {
    return this.#allocated
  }

  /** An empty batch, at once or when one is released. Rejects with the cause given to `cancel`. */
  acquire(holder: BatchHolder): Promise<ChunkBatch> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ holder, resolve, reject })
      this.#serve()
    })
  }

  /** Takes a batch back. */
  release(holder: BatchHolder, batch: ChunkBatch): void {
    holder.held -= 1
    batch.count = 0
    batch.filled = 0
    if (this.#allocated > this.#budget) this.#allocated -= batch.data.length
    else this.#freeOf(batch.data.length).push(batch)
    this.#serve()
  }

  /** Rejects what `holder` waits for. */
  cancel(holder: BatchHolder, cause: unknown): void {
    const waiting = this.#waiters.filter((waiter) => waiter.holder === holder)
    this.#waiters = this.#waiters.filter((waiter) => waiter.holder !== holder)
    for (const waiter of waiting) waiter.reject(cause)
  }

  #serve(): void {
    const waiting: Waiter[] = []
    for (const waiter of this.#waiters) {
      const batch = this.#take(waiter.holder)
      if (batch === undefined) {
        waiting.push(waiter)
        continue
      }
      waiter.holder.held += 1
      waiter.resolve(batch)
    }
    this.#waiters = waiting
  }

  #take(holder: BatchHolder): ChunkBatch | undefined {
    const { capacity } = holder
    const free = this.#freeOf(capacity).pop()
    if (free !== undefined) return free
    if (this.#allocated + capacity > this.#budget) this.dropFree()
    if (this.#allocated + capacity > this.#budget && holder.held >= holder.reserve) return undefined
    this.#allocated += capacity
    return allocateBatch(capacity)
  }

  /** Drops free batches of all sizes. */
  dropFree(): void {
    for (const [capacity, batches] of this.#free) this.#allocated -= capacity * batches.length
    this.#free.clear()
  }

  #freeOf(capacity: number): ChunkBatch[] {
    const batches = this.#free.get(capacity) ?? []
    this.#free.set(capacity, batches)
    return batches
  }
}
