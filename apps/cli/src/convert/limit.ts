// SPDX-License-Identifier: Apache-2.0
/** A bound on how many tasks run at once. */

/** Runs tasks, at most as many at a time as `createLimit` was told, in the order they came. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>

/** @param count at least 1. */
export function createLimit(count: number): Limit {
  let running = 0
  const waiting: (() => void)[] = []
  return async (task) => {
    if (running >= count) await new Promise<void>((resume) => waiting.push(resume))
    else running += 1
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}

/**
 * Waits for all promises to settle and then throws the first rejection in time, so that nothing still runs when the
 * caller cleans up. `onFailure` is called as soon as one rejects, to stop the others.
 */
export async function settleAll<T>(
  promises: readonly Promise<T>[],
  onFailure: (error: unknown) => void,
): Promise<T[]> {
  let failure: { readonly error: unknown } | undefined
  const watched = promises.map(async (promise) => {
    try {
      return await promise
    } catch (error) {
      if (failure === undefined) {
        failure = { error }
        onFailure(error)
      }
      throw error
    }
  })
  const results = await Promise.allSettled(watched)
  if (failure !== undefined) throw failure.error
  return results.map((result) => (result as PromiseFulfilledResult<T>).value)
}
