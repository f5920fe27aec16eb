// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { inOrder } from '../../src/export/read-ahead.ts'

/** Reads that end in reverse order; counts those under way. */
function reads(count: number, failing = -1) {
  const state = { now: 0, most: 0, started: 0 }
  const list = Array.from({ length: count }, (_, i) => async () => {
    state.started += 1
    state.most = Math.max(state.most, ++state.now)
    for (let turn = 0; turn < 20 - (i % 8); turn++) await new Promise(setImmediate)
    state.now -= 1
    if (i === failing) throw new Error(`read ${i}`)
    return i
  })
  return { state, list }
}

describe('inOrder', () => {
  test('gives results in order, eight reads at a time', async () => {
    const { state, list } = reads(30)
    const seen: number[] = []
    for await (const value of inOrder(list)) seen.push(value)
    expect(seen).toEqual(list.map((_, i) => i))
    expect(state.most).toBe(8)
  })

  test('a failure is thrown in its turn, and nothing goes on behind it', async () => {
    const { state, list } = reads(30, 4)
    const seen: number[] = []
    const failing = (async () => {
      for await (const value of inOrder(list)) seen.push(value)
    })()
    await expect(failing).rejects.toThrow('read 4')
    expect(seen).toEqual([0, 1, 2, 3])
    expect([state.now, state.started < 30]).toEqual([0, true])
  })

  test('an early end waits for what was started', async () => {
    const { state, list } = reads(30)
    for await (const _ of inOrder(list)) break
    expect(state.now).toBe(0)
  })
})
