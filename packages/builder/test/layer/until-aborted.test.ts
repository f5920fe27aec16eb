// SPDX-License-Identifier: Apache-2.0
import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { abortable, untilAborted } from '../../src/layer/until-aborted.ts'

const never = new Promise<never>(() => undefined)

describe('untilAborted', () => {
  it('settles as its promise and leaves no listener', async () => {
    const { signal } = new AbortController()
    await expect(untilAborted(Promise.resolve(5), signal)).resolves.toBe(5)
    await expect(untilAborted(Promise.reject(new Error('bad')), signal)).rejects.toThrow('bad')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('rejects with the reason, at once when it is aborted already', async () => {
    const stop = new AbortController()
    const waiting = untilAborted(never, stop.signal)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(untilAborted(never, stop.signal)).rejects.toThrow('enough')
  })
})

describe('abortable', () => {
  it('passes everything on and closes a source that is left early', async () => {
    let closed = 0
    async function* source() {
      try {
        yield 1
        yield 2
      } finally {
        closed += 1
      }
    }
    const { signal } = new AbortController()
    const seen: number[] = []
    for await (const value of abortable(source(), signal)) seen.push(value)
    for await (const value of abortable(source(), signal)) {
      seen.push(value)
      break
    }
    expect([seen, closed]).toEqual([[1, 2, 1], 2])
  })

  it('ends the wait for a source that stalls', async () => {
    const stop = new AbortController()
    const iterator = abortable({ [Symbol.asyncIterator]: () => ({ next: () => never }) }, stop.signal)
    const waiting = iterator.next()
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
