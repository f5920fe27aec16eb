// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type ByteTask, inOrder, type Piece } from '../../src/unpack/in-order.ts'

/** A task that ends when it is told to. */
function manualTask(size: number, byte: number) {
  let resolve: (bytes: Uint8Array) => void = () => undefined
  let reject: (cause: unknown) => void = () => undefined
  const state = { started: false, aborted: false }
  const task: ByteTask = {
    size,
    start(signal) {
      state.started = true
      signal.addEventListener('abort', () => {
        state.aborted = true
      })
      return new Promise((onResult, onFailure) => {
        resolve = onResult
        reject = onFailure
      })
    },
  }
  return {
    task,
    state,
    finish: () => resolve(new Uint8Array(size).fill(byte)),
    fail: (cause: unknown) => reject(cause),
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const bytes: number[] = []
  for await (const piece of pieces) bytes.push(...piece)
  return bytes
}

describe('inOrder', () => {
  it('gives the pieces in order, whichever ends first', async () => {
    const [a, b] = [manualTask(1, 1), manualTask(1, 2)]
    const result = collect(inOrder([Uint8Array.of(0), a.task, b.task, Uint8Array.of(9)], 100))
    await turn()
    b.finish()
    await turn()
    a.finish()
    expect(await result).toEqual([0, 1, 2, 9])
  })

  it('starts tasks ahead, but not more than fit', async () => {
    const tasks = Array.from({ length: 5 }, (_, i) => manualTask(10, i))
    const result = collect(
      inOrder(
        tasks.map(({ task }) => task),
        20,
      ),
    )
    const started = () => tasks.filter(({ state }) => state.started).length
    await turn()
    expect(started()).toBe(2)
    tasks[0]?.finish()
    await turn()
    expect(started()).toBe(3)
    for (const { finish } of tasks) {
      finish()
      await turn()
    }
    expect((await result).length).toBe(50)
  })

  it('runs a task that is bigger than the limit alone', async () => {
    const [a, b] = [manualTask(1000, 1), manualTask(1000, 2)]
    const result = collect(inOrder([a.task, b.task], 1))
    await turn()
    expect([a.state.started, b.state.started]).toEqual([true, false])
    a.finish()
    await turn()
    b.finish()
    expect((await result).length).toBe(2000)
  })

  it('fails like the first task that fails, and aborts the others', async () => {
    const [a, b, c] = [manualTask(1, 1), manualTask(1, 2), manualTask(1, 3)]
    const result = collect(inOrder([a.task, b.task, c.task], 100))
    await turn()
    b.fail(new Error('second'))
    a.finish()
    await expect(result).rejects.toThrow('second')
    expect(c.state.aborted).toBe(true)
  })

  it('stops at once when it is aborted, even if a task does not listen', async () => {
    const stop = new AbortController()
    const never = manualTask(1, 1)
    const result = collect(inOrder([never.task], 100, stop.signal))
    await turn()
    stop.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    expect(never.state.aborted).toBe(true)
  })

  it('closes its input when the reader leaves early', async () => {
    let closed = false
    function* endless(): Generator<Piece> {
      try {
        for (;;) yield Uint8Array.of(1)
      } finally {
        closed = true
      }
    }
    for await (const _piece of inOrder(endless(), 100)) break
    expect(closed).toBe(true)
  })
})
