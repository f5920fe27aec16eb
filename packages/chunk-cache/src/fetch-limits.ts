// SPDX-License-Identifier: Apache-2.0
/** How much may be in flight at once: fetches and bytes. One object may be shared by all caches of a process. */

/** Grants slots in order of request. Waiting for a slot ends with the signal's reason when it aborts. */
export interface FetchLimits {
  /**
   * Waits for room for a fetch of `bytes`, runs `work` and gives the room back. A fetch larger than the whole limit
   * runs alone.
   */
  run<T>(bytes: number, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

interface Waiter {
  readonly bytes: number
  grant(): void
}

/** @param limits how many fetches and how many bytes (stored and decoded together) may be in flight at once. */
export function createFetchLimits(limits: { readonly fetches: number; readonly bytes: number }): FetchLimits {
  const queue: Waiter[] = []
  let fetches = 0
  let bytes = 0

  const fits = (wanted: number): boolean =>
    fetches === 0 || (fetches < limits.fetches && bytes + wanted <= limits.bytes)

  const grantNext = (): void => {
    for (let waiter = queue[0]; waiter !== undefined && fits(waiter.bytes); waiter = queue[0]) {
      queue.shift()
      waiter.grant()
    }
  }

  const enter = (wanted: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const waiter: Waiter = {
        bytes: wanted,
        grant() {
          signal.removeEventListener('abort', leave)
          fetches++
          bytes += wanted
          resolve()
        },
      }
      const leave = (): void => {
        queue.splice(queue.indexOf(waiter), 1)
        reject(signal.reason)
        grantNext()
      }
      signal.addEventListener('abort', leave, { once: true })
      queue.push(waiter)
      grantNext()
    })

  return {
    async run(wanted, signal, work) {
      signal.throwIfAborted()
      await enter(wanted, signal)
      try {
        return await work()
      } finally {
        fetches--
        bytes -= wanted
        grantNext()
      }
    },
  }
}
