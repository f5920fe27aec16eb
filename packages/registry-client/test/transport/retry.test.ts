// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { RegistryError } from '../../src/index.ts'
import { parseRetryAfter, pauseBefore, retrying } from '../../src/transport/retry.ts'

const policy = { retries: 2, firstPauseMs: 1, maxPauseMs: 2 }
const passing = (details = {}): RegistryError =>
  new RegistryError('ERR_REGISTRY_UNAVAILABLE', 'busy', { retryable: true, details })

describe('retrying', () => {
  it('tries again until it succeeds', async () => {
    const numbers: number[] = []
    const result = await retrying(policy, undefined, async (number) => {
      numbers.push(number)
      if (number < 2) throw passing()
      return 'done'
    })
    expect([result, numbers]).toEqual(['done', [0, 1, 2]])
  })

  it('throws the last error when the attempts are used up', async () => {
    let attempts = 0
    await expect(
      retrying(policy, undefined, async () => {
        throw new RegistryError('ERR_REGISTRY_UNAVAILABLE', `attempt ${++attempts}`, { retryable: true })
      }),
    ).rejects.toThrow('attempt 3')
  })

  it('does not repeat what cannot pass, nor foreign errors', async () => {
    for (const error of [new RegistryError('ERR_REGISTRY_DENIED', 'no'), new TypeError('bug')]) {
      let attempts = 0
      const run = retrying(policy, undefined, async () => {
        attempts++
        throw error
      })
      await expect(run).rejects.toBe(error)
      expect(attempts).toBe(1)
    }
  })

  it('stops at once, with the reason, when the signal fires during a pause', async () => {
    const controller = new AbortController()
    const run = retrying(
      { retries: 5, firstPauseMs: 60_000, maxPauseMs: 60_000 },
      controller.signal,
      async () => {
        setTimeout(() => controller.abort(new Error('enough')))
        throw passing()
      },
    )
    await expect(run).rejects.toThrow('enough')
  })
})

describe('pauseBefore', () => {
  it('grows, is capped, and waits for what the registry asks', () => {
    const slow = { retries: 9, firstPauseMs: 100, maxPauseMs: 300 }
    for (const [number, longest] of [
      [0, 100],
      [1, 200],
      [5, 300],
    ] as const) {
      const pause = pauseBefore(slow, number, passing())
      expect(pause).toBeGreaterThanOrEqual(longest / 2)
      expect(pause).toBeLessThanOrEqual(longest)
    }
    expect(pauseBefore(slow, 0, passing({ retryAfterMs: 1234 }))).toBe(1234)
    expect(pauseBefore(slow, 0, passing({ retryAfterMs: 3_600_000 }))).toBeUndefined()
  })
})

describe('parseRetryAfter', () => {
  it('reads seconds and dates', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(parseRetryAfter('7', now)).toBe(7000)
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000)
    expect(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
    expect(parseRetryAfter('soon', now)).toBeUndefined()
    expect(parseRetryAfter(undefined, now)).toBeUndefined()
  })
})
