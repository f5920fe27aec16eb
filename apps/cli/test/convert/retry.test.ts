// SPDX-License-Identifier: Apache-2.0
import { NydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import { withRetries } from '../../src/convert/retry.ts'

const passing = new NydusError('ERR_REGISTRY_UNAVAILABLE', 'busy', { retryable: true })
const final = new NydusError('ERR_REGISTRY_DENIED', 'no')

function failing(errors: readonly unknown[]) {
  let calls = 0
  const task = async () => {
    const error = errors[calls]
    calls += 1
    if (error !== undefined) throw error
    return 'done'
  }
  return { task, calls: () => calls }
}

describe('withRetries', () => {
  it('tries again what may pass', async () => {
    const { task, calls } = failing([passing, passing])
    const messages: string[] = []
    const policy = { count: 3, delayMs: 1, onRetry: (message: string) => messages.push(message) }
    expect(await withRetries('push', task, policy)).toBe('done')
    expect(calls()).toBe(3)
    expect(messages[1]).toBe('push: busy; trying again in 0.002 s')
  })

  it('gives up when the retries are used up', async () => {
    const { task, calls } = failing([passing, passing, passing])
    await expect(withRetries('push', task, { count: 1, delayMs: 0 })).rejects.toBe(passing)
    expect(calls()).toBe(2)
  })

  it('does not repeat what cannot pass', async () => {
    const { task, calls } = failing([final])
    await expect(withRetries('push', task, { count: 3, delayMs: 0 })).rejects.toBe(final)
    expect(calls()).toBe(1)
  })

  it('an abort ends the wait with its reason', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const { task } = failing([passing, passing])
    const onRetry = () => controller.abort(reason)
    const retries = withRetries('push', task, {
      count: 3,
      delayMs: 60_000,
      signal: controller.signal,
      onRetry,
    })
    await expect(retries).rejects.toBe(reason)
  })
})
