// SPDX-License-Identifier: Apache-2.0
/** Waiting that an AbortSignal ends at once, whatever the other side does. */

/** Settles like `promise`, or rejects with the signal's reason. What `promise` does later is ignored. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    // The listener is taken off each time: a shared promise in Promise.race would keep every loser alive.
    const done = () => signal.removeEventListener('abort', onAbort)
    promise.then(
      (value) => {
        done()
        resolve(value)
      },
      (cause) => {
        done()
        reject(cause)
      },
    )
  })
}

/** Passes `source` on; an abort ends the wait for its next piece. */
export async function* abortable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const next = await untilAborted(Promise.resolve(iterator.next()), signal)
      if (next.done) {
        ended = true
        return
      }
      yield next.value
    }
  } finally {
    // Not awaited: a source that hangs in `next` would hang here as well.
    if (!ended) void iterator.return?.()?.then(undefined, () => undefined)
  }
}
