// SPDX-License-Identifier: Apache-2.0

/** Passes a stream on and calls `count` with the size of each piece. */
export async function* countBytes(
  stream: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of stream) {
    count(bytes.length)
    yield bytes
  }
}
