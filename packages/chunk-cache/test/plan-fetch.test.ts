// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type FetchRun, planFetch, type UnitTable } from '../src/plan-fetch.ts'

/** Chunks of the given stored sizes, back to back, unpacking to `ratio` times as much. */
function table(sizes: readonly number[], ratio = 1): UnitTable {
  let compressedOffset = 0
  const chunks = sizes.map((compressedSize) => {
    const chunk = {
      uncompressedOffset: 0,
      uncompressedSize: compressedSize * ratio,
      compressedOffset,
      compressedSize,
      compressed: true,
      encrypted: false,
    }
    compressedOffset += compressedSize
    return chunk
  })
  return {
    chunkCount: chunks.length,
    chunk: (index) => chunks[index] ?? never(),
    batchContext: never,
    zranContext: never,
  }
}

function never(): never {
  throw new Error('not there')
}

const chunksOf = (runs: readonly FetchRun[]): number[][] =>
  runs.map((run) =>
    run.units.flatMap((unit) => Array.from({ length: unit.last - unit.first + 1 }, (_, i) => unit.first + i)),
  )
const nothingTaken = (): boolean => false

describe('planFetch', () => {
  it('adds the chunks that end within the amplification, from the first missing chunk on', () => {
    const runs = planFetch(table([100, 100, 100, 100, 100]), [1], nothingTaken, { amplifyBytes: 300 })
    expect(chunksOf(runs)).toEqual([[1, 2, 3]])
    expect(runs[0]).toMatchObject({ offset: 100, length: 300 })
  })

  it('adds nothing without amplification', () => {
    expect(chunksOf(planFetch(table([100, 100]), [0], nothingTaken, { amplifyBytes: 0 }))).toEqual([[0]])
  })

  it('takes what was asked for even where it is more than the amplification', () => {
    expect(
      chunksOf(planFetch(table([100, 100, 100]), [0, 1, 2], nothingTaken, { amplifyBytes: 10 })),
    ).toEqual([[0, 1, 2]])
  })

  it('does not flood the disk with data that compresses very well', () => {
    const runs = planFetch(table(new Array(1000).fill(10), 1000), [0], nothingTaken, { amplifyBytes: 10_000 })
    expect(chunksOf(runs)[0]).toHaveLength(17)
  })

  it('reads over small gaps of chunks that are there already, and splits at large ones', () => {
    const sizes = [100, 8000, 100, 9000, 100]
    const taken = (index: number): boolean => index === 1 || index === 3
    const runs = planFetch(table(sizes), [0], taken, { amplifyBytes: 1 << 20 })
    expect(chunksOf(runs)).toEqual([[0, 2], [4]])
    expect(runs[0]).toMatchObject({ offset: 0, length: 8200 })
  })

  it('cuts a large request into runs of bounded size', () => {
    const sizes = new Array(40).fill(256 * 1024)
    const runs = planFetch(
      table(sizes),
      sizes.map((_, i) => i),
      nothingTaken,
      { amplifyBytes: 1 << 20 },
    )
    expect(runs).toHaveLength(10)
    for (const run of runs) expect(run.length).toBe(1 << 20)
  })

  it('fetches a batch as a whole, once', () => {
    const chunk = (context: number) => ({
      uncompressedOffset: 0,
      uncompressedSize: 10,
      compressedOffset: context * 50,
      compressedSize: 0,
      compressed: true,
      encrypted: false,
      batch: { context, offset: 0 },
    })
    const chunks = [chunk(0), chunk(0), chunk(0), chunk(1), chunk(1)]
    const batches: UnitTable = {
      chunkCount: chunks.length,
      chunk: (index) => chunks[index] ?? never(),
      batchContext: () => ({ compressedSize: 50, uncompressedSize: 30 }),
      zranContext: never,
    }
    const runs = planFetch(batches, [1, 2], nothingTaken, { amplifyBytes: 0 })
    expect(runs).toEqual([{ offset: 0, length: 50, units: [{ first: 0, last: 2, offset: 0, length: 50 }] }])
  })

  it('fetches a zran context as a whole, once, from where the context says', () => {
    const chunk = (context: number) => ({
      ...{ uncompressedOffset: 0, uncompressedSize: 10, compressedOffset: 1, compressedSize: 2 },
      ...{ compressed: true, encrypted: false, zran: { context, offset: 0 } },
    })
    const chunks = [chunk(0), chunk(0), chunk(1), chunk(1)]
    const point = { outOffset: 0, dictionaryOffset: 0, dictionarySize: 0, previousByte: 0, unusedBits: 0 }
    const contexts: UnitTable = {
      chunkCount: chunks.length,
      chunk: (index) => chunks[index] ?? never(),
      batchContext: never,
      zranContext: (context) => ({ ...point, inOffset: 1000 * context, inSize: 900, outSize: 20 }),
    }
    const runs = planFetch(contexts, [3], nothingTaken, { amplifyBytes: 0 })
    expect(runs).toEqual([
      { offset: 1000, length: 900, units: [{ first: 2, last: 3, offset: 1000, length: 900 }] },
    ])
  })

  it('covers every wanted chunk exactly once, whatever is asked for', () => {
    let state = 99
    const next = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state % limit
    }
    for (let round = 0; round < 300; round++) {
      const sizes = Array.from({ length: 1 + next(60) }, () => 1 + next(200_000))
      const first = next(sizes.length)
      const last = first + next(sizes.length - first)
      const ready = new Set(sizes.map((_, i) => i).filter(() => next(3) === 0))
      const wanted = sizes.map((_, i) => i).filter((i) => i >= first && i <= last && !ready.has(i))
      if (wanted.length === 0) continue
      const runs = planFetch(table(sizes), wanted, (i) => ready.has(i), { amplifyBytes: next(1 << 21) })
      const planned = chunksOf(runs).flat()
      expect(new Set(planned).size).toBe(planned.length)
      expect(planned).toEqual(expect.arrayContaining(wanted))
      expect(planned.filter((i) => ready.has(i))).toEqual([])
      for (const run of runs) {
        for (const unit of run.units) {
          expect(unit.offset).toBeGreaterThanOrEqual(run.offset)
          expect(unit.offset + unit.length).toBeLessThanOrEqual(run.offset + run.length)
        }
      }
    }
  })
})
