// SPDX-License-Identifier: Apache-2.0
/** The bytes of one file inside the stream of the whole tar. */
import type { ByteSource } from './byte-source.ts'
import type { ResolvedEntry } from './resolve-entry.ts'
import { expandSparse } from './sparse.ts'
import { badTar } from './tar-error.ts'

/** What `TarEntry.content` is; the reader calls `finish` before the next header. */
export interface EntryContent extends AsyncIterable<Uint8Array> {
  /** Skips what was not consumed and the padding; later reads throw a TypeError. */
  finish(): Promise<void>
  /** Does that without waiting, if the bytes are at hand. */
  finishBuffered(): boolean
  /** Takes the whole content, if it is at hand and was not asked for yet: a view of the source's piece. */
  takeBuffered(): Uint8Array | undefined
}

/** `source` stands at the first byte of the entry's stored content. */
export function openContent(
  source: ByteSource,
  { storedSize, padding, sparse }: ResolvedEntry,
): EntryContent {
  let left = storedSize
  let started = false
  let finished = false

  async function* stored(): AsyncGenerator<Uint8Array, void, undefined> {
    while (left > 0) {
      if (finished) throw new TypeError('content of a tar entry is read after the next entry was asked for')
      const offset = source.offset
      const piece = await source.takeSome(left)
      if (piece === undefined) {
        throw badTar(`the tar ends ${left} bytes before the end of a file's content`, offset, {
          missing: left,
        })
      }
      left -= piece.length
      yield piece
    }
  }

  return {
    [Symbol.asyncIterator]() {
      if (started || finished) throw new TypeError('content of a tar entry can be read once')
      started = true
      return sparse === undefined ? stored() : expandSparse(stored(), sparse)
    },
    takeBuffered() {
      if (started || finished || sparse !== undefined) return undefined
      const bytes = source.takeBuffered(left)
      if (bytes === undefined) return undefined
      started = true
      left = 0
      return bytes
    },
    finishBuffered() {
      if (!source.skipBuffered(left + padding)) return false
      finished = true
      left = 0
      return true
    },
    async finish() {
      finished = true
      await source.skip(left, "a file's content")
      left = 0
      await source.skip(padding, 'padding')
    },
  }
}
