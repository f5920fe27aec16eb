// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { sleep, waitFor, withDeadline } from '../../src/transport/deadline.ts'

/** Ends only when the signal fires. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

describe('withDeadline', () => {
  it('ends work that takes too long with ERR_REGISTRY_TIMEOUT', async () => {
    await expect(withDeadline(5, undefined, 'GET x', untilAborted)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_TIMEOUT',
      retryable: true,
      message: 'GET x: no answer within 5 ms',
    })
  })

  it('passes the reason of the signal on', async () => {
    const controller = new AbortController()
    const reason = new Error('mine')
    const run = withDeadline(60_000, controller.signal, 'x', untilAborted)
    controller.abort(reason)
    await expect(run).rejects.toBe(reason)
    await expect(withDeadline(60_000, controller.signal, 'x', async () => 1)).rejects.toBe(reason)
  })

  it('gives the result of work that ends in time', async () => {
    await expect(withDeadline(60_000, undefined, 'x', async () => 42)).resolves.toBe(42)
  })
})

describe('waitFor', () => {
  it('leaves shared work running when one waiter goes', async () => {
    const controller = new AbortController()
    let finish = (_: number): void => {}
    const work = new Promise<number>((resolve) => {
      finish = resolve
    })
    const impatient = waitFor(work, controller.signal)
    const patient = waitFor(work, undefined)
    controller.abort(new Error('gone'))
    await expect(impatient).rejects.toThrow('gone')
    finish(7)
    await expect(patient).resolves.toBe(7)
    await expect(waitFor(Promise.reject(new Error('failed')), new AbortController().signal)).rejects.toThrow(
      'failed',
    )
  })
})

describe('sleep', () => {
  it('ends early with the reason', async () => {
    await expect(sleep(60_000, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
    const controller = new AbortController()
    const run = sleep(60_000, controller.signal)
    controller.abort(new Error('during'))
    await expect(run).rejects.toThrow('during')
    await expect(sleep(1, new AbortController().signal)).resolves.toBeUndefined()
  })
})
