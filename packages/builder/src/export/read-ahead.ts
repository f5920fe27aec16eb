// SPDX-License-Identifier: Apache-2.0
/** Runs several reads at a time and hands their results on in order. */

/** Reads under way at a time: enough to hide a round trip, few enough to bound memory at eight chunks. */
const READS_AHEAD = 8

/**
 * Starts up to eight of `reads` before their turn. When one fails, or the caller stops, the others are waited for, so
 * that nothing goes on behind the caller's back.
 */
export async function* inOrder<T>(reads: Iterable<() => Promise<T>>): AsyncGenerator<T> {
  const started: Promise<T>[] = []
  try {
    for (const read of reads) {
      const promise = read()
      promise.catch(() => {}) // whoever waits for it in its turn gets the error
      started.push(promise)
      if (started.length >= READS_AHEAD) yield await (started.shift() as Promise<T>)
    }
    for (let next = started.shift(); next !== undefined; next = started.shift()) yield await next
  } finally {
    await Promise.allSettled(started)
  }
}
