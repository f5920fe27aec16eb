// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createLimit, settleAll } from '../../src/convert/limit.ts'

describe('createLimit', () => {
  it('runs no more tasks at once than allowed, in order, also after failures', async () => {
    const limit = createLimit(2)
    let running = 0
    let most = 0
    const started: number[] = []
    const tasks = Array.from({ length: 6 }, (_, i) =>
      limit(async () => {
        started.push(i)
        running += 1
        most = Math.max(most, running)
        await setImmediate()
        running -= 1
        if (i === 1) throw new Error('no')
        return i
      }),
    )
    const results = await Promise.allSettled(tasks)
    expect(most).toBe(2)
    expect(started).toEqual([0, 1, 2, 3, 4, 5])
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      ...Array(4).fill('fulfilled'),
    ])
  })
})

describe('settleAll', () => {
  it('stops the others at the first failure, waits for them, and throws the first', async () => {
    const stopped = new AbortController()
    let isLateDone = false
    const late = (async () => {
      while (!stopped.signal.aborted) await setImmediate()
      isLateDone = true
      throw new Error('second')
    })()
    const first = Promise.reject(new Error('first'))
    await expect(settleAll([late, first], (error) => stopped.abort(error))).rejects.toThrow('first')
    expect(isLateDone).toBe(true)
  })

  it('gives the values in order', async () => {
    const slow = setImmediate().then(() => 'a')
    expect(await settleAll([slow, Promise.resolve('b')], () => undefined)).toEqual(['a', 'b'])
  })
})
