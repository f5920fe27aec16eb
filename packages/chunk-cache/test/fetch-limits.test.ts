// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createFetchLimits } from '../src/fetch-limits.ts'

const calm = new AbortController().signal

describe('createFetchLimits', () => {
  it('never lets more run than fits, and runs all', async () => {
    const limits = createFetchLimits({ fetches: 3, bytes: 100 })
    let fetches = 0
    let bytes = 0
    let most = 0
    const sizes = [40, 40, 40, 10, 90, 20, 20, 20, 500, 1]
    await Promise.all(
      sizes.map((size) =>
        limits.run(size, calm, async () => {
          fetches++
          bytes += size
          most = Math.max(most, fetches)
          expect(fetches === 1 || bytes <= 100).toBe(true)
          await new Promise((resolve) => setImmediate(resolve))
          fetches--
          bytes -= size
        }),
      ),
    )
    expect(most).toBe(3)
  })

  it('gives the room back when the work fails', async () => {
    const limits = createFetchLimits({ fetches: 1, bytes: 1 })
    await expect(limits.run(1, calm, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(limits.run(1, calm, async () => 'next')).resolves.toBe('next')
  })

  it('leaves the queue when the signal aborts, and lets the next one in', async () => {
    const limits = createFetchLimits({ fetches: 1, bytes: 10 })
    const running = Promise.withResolvers<void>()
    const first = limits.run(1, calm, () => running.promise)
    const abort = new AbortController()
    const second = limits.run(1, abort.signal, async () => 'second')
    const third = limits.run(1, calm, async () => 'third')
    abort.abort(new Error('changed my mind'))
    await expect(second).rejects.toThrow('changed my mind')
    running.resolve()
    await first
    await expect(third).resolves.toBe('third')
  })
})
