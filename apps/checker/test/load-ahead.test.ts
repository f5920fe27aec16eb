// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { loadAhead } from '../src/load-ahead.ts'

const ITEMS = Array.from({ length: 10 }, (_, i) => i)

/** Earlier items take longer; counts how many run at a time. */
function openLoader(failing = -1) {
  const counts = { running: 0, most: 0, started: 0 }
  const load = async (item: number) => {
    counts.started += 1
    counts.running += 1
    counts.most = Math.max(counts.most, counts.running)
    await sleep(10 - item)
    counts.running -= 1
    if (item === failing) throw new Error(`item ${item}`)
    return item * 2
  }
  return { counts, load }
}

describe('loadAhead', () => {
  it.each([1, 3, 20])('keeps the order with %i at a time', async (count) => {
    const { counts, load } = openLoader()
    const results: unknown[] = []
    for await (const result of loadAhead(ITEMS, count, load)) results.push(result)
    expect(results).toEqual(ITEMS.map((item) => [item, item * 2]))
    expect(counts.most).toBe(Math.min(count, ITEMS.length))
  })

  it('throws a failure in its turn, when nothing runs any more', async () => {
    const { counts, load } = openLoader(4)
    const seen: number[] = []
    const consume = async () => {
      for await (const [item] of loadAhead(ITEMS, 3, load)) seen.push(item)
    }
    await expect(consume()).rejects.toThrow('item 4')
    expect(seen).toEqual([0, 1, 2, 3])
    expect(counts.running).toBe(0)
  })

  it('starts nothing more when the consumer stops', async () => {
    const { counts, load } = openLoader()
    for await (const [item] of loadAhead(ITEMS, 3, load)) if (item === 1) break
    expect(counts).toEqual({ running: 0, most: 3, started: 4 })
  })
})
