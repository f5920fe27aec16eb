// SPDX-License-Identifier: Apache-2.0
/** Waiting for a disk or a mount is overlapped, the order of the results stays. */

/**
 * Loads the items in their order, up to `count` at a time, and yields each with its result. When the consumer stops, or a
 * load fails, what is under way is waited for.
 */
export async function* loadAhead<T, R>(
  items: Iterable<T>,
  count: number,
  load: (item: T) => R | Promise<R>,
): AsyncGenerator<readonly [T, R], void, undefined> {
  const started: { readonly item: T; readonly result: Promise<R> }[] = []
  try {
    for (const item of items) {
      const result = (async () => load(item))()
      result.catch(() => {}) // it is thrown when its turn comes
      started.push({ item, result })
      const first = started.length >= count ? started.shift() : undefined
      if (first !== undefined) yield [first.item, await first.result]
    }
    for (let first = started.shift(); first !== undefined; first = started.shift()) {
      yield [first.item, await first.result]
    }
  } finally {
    await Promise.allSettled(started.map(({ result }) => result))
  }
}
