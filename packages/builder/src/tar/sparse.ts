// SPDX-License-Identifier: Apache-2.0
import type { SparseMap } from './sparse-map.ts'

const ZEROS = new Uint8Array(64 * 1024)

/** The whole bytes of a sparse file from its stored ones; holes come as views of a shared buffer of zeros. */
export async function* expandSparse(
  stored: AsyncIterable<Uint8Array>,
  { segments, size }: SparseMap,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0
  let index = 0
  for await (const piece of stored) {
    let rest = piece
    while (rest.length > 0) {
      const segment = segments[index]
      if (segment === undefined) throw new TypeError('more stored bytes than the map of a sparse file has')
      if (position < segment.offset) {
        yield* zeros(segment.offset - position)
        position = segment.offset
      }
      const part = rest.subarray(0, segment.offset + segment.length - position)
      rest = rest.subarray(part.length)
      position += part.length
      if (position === segment.offset + segment.length) index += 1
      if (part.length > 0) yield part
    }
  }
  yield* zeros(size - position)
}

function* zeros(length: number): Generator<Uint8Array, void, undefined> {
  for (let left = length; left > 0; left -= ZEROS.length)
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length))
}
