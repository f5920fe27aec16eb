// SPDX-License-Identifier: Apache-2.0
/** Runs tasks ahead of their use: several are under way, the results come in order, memory is bounded. */

import { untilAborted } from '../layer/until-aborted.ts'

/** Something that will give `size` bytes. */
export interface ByteTask {
  readonly size: number
  start(signal: AbortSignal): Promise<Uint8Array>
}

/** What goes out: bytes that are there, or a task. */
export type Piece = Uint8Array | ByteTask

/** Pieces that wait for their turn, small ones included. */
const MAX_WAITING = 256

/**
 * The bytes of `pieces` in order.
 * @param maxInFlightBytes of tasks under way and of results that wait; one task may always run.
 * @param signal ends the wait for a task at once and is passed on to the tasks.
 * @throws what a task or `pieces` throws, or the signal's reason; the other tasks are aborted then.
 */
export async function* inOrder(
  pieces: Iterable<Piece>,
  maxInFlightBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = new AbortController()
  const onAbort = () => stop.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const iterator = pieces[Symbol.iterator]()
  const waiting: { readonly size: number; readonly result: Uint8Array | Promise<Uint8Array> }[] = []
  let inFlight = 0
  let ended = false

  function fill(): void {
    while (!ended && waiting.length < MAX_WAITING && (inFlight < maxInFlightBytes || waiting.length === 0)) {
      const next = iterator.next()
      if (next.done) ended = true
      else waiting.push(begin(next.value))
    }
  }

  function begin(piece: Piece) {
    if (piece instanceof Uint8Array) return { size: 0, result: piece }
    const result = piece.start(stop.signal)
    // Whoever waits for it hears of a failure; until then it must not count as unhandled.
    result.catch(() => undefined)
    inFlight += piece.size
    return { size: piece.size, result }
  }

  try {
    for (fill(); waiting.length > 0; fill()) {
      stop.signal.throwIfAborted()
      const { size, result } = waiting.shift() as (typeof waiting)[number]
      yield result instanceof Uint8Array ? result : await untilAborted(result, stop.signal)
      inFlight -= size
    }
    stop.signal.throwIfAborted()
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stop.abort(new Error('no longer needed'))
    iterator.return?.()
  }
}
