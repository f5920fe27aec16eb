// SPDX-License-Identifier: Apache-2.0
/** Cuts ranges out of a stream that is read once, from its start to its end. */

/** A range to cut out. */
interface Cut {
  readonly offset: number
  readonly size: number
}

/**
 * Yields the bytes of each of `cuts` and then reads `stream` to its end, so that a check at its end is seen.
 * @param cuts ascending by offset; they may overlap. A cut beyond the end of the stream is not yielded.
 */
export async function* cutStream<T extends Cut>(
  stream: AsyncIterable<Uint8Array>,
  cuts: readonly T[],
): AsyncGenerator<{ readonly cut: T; readonly bytes: Uint8Array }, void, undefined> {
  let start = 0 // offset of the first byte in hand
  let parts: Uint8Array[] = []
  let held = 0
  let next = 0
  for await (const bytes of stream) {
    parts.push(bytes)
    held += bytes.length
    for (let cut = cuts[next]; cut !== undefined && cut.offset + cut.size <= start + held; cut = cuts[next]) {
      const all = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts, held)
      yield { cut, bytes: all.subarray(cut.offset - start, cut.offset - start + cut.size) }
      next += 1
      // The next cut may begin inside this one.
      const needed = Math.min(cut.offset + cut.size, cuts[next]?.offset ?? Number.POSITIVE_INFINITY)
      const rest = all.subarray(needed - start)
      start = needed
      parts = rest.length > 0 ? [rest] : []
      held = rest.length
    }
    const wanted = cuts[next]?.offset ?? Number.POSITIVE_INFINITY
    if (start + held <= wanted) {
      start += held
      parts = []
      held = 0
    }
  }
}
