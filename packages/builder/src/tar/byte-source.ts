// SPDX-License-Identifier: Apache-2.0
/** Pulls exact amounts of bytes out of a stream of pieces. */
import { badTar } from './tar-error.ts'

const EMPTY = new Uint8Array(0)

/** A forward cursor over a stream. Not concurrent: one call at a time. */
export class ByteSource {
  readonly #iterator: AsyncIterator<Uint8Array, unknown, number>
  readonly #signal: AbortSignal | undefined
  #piece: Uint8Array = EMPTY
  #offset = 0
  #ended = false

  /** @param stream its iterator's `next` is told how many bytes are wanted; it may give any number. */
  constructor(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    this.#iterator = stream[Symbol.asyncIterator]()
    this.#signal = signal
  }

  /** Bytes handed out so far. */
  get offset(): number {
    return this.#offset
  }

  /** Bytes at hand. */
  get buffered(): number {
    return this.#piece.length
  }

  /** The next `length` bytes if they are at hand, which are not taken: a view of the source's piece. */
  peekBuffered(length: number): Uint8Array | undefined {
    return this.#piece.length < length ? undefined : this.#piece.subarray(0, length)
  }

  /** Skips `length` bytes if they are at hand. */
  skipBuffered(length: number): boolean {
    if (this.#piece.length < length) return false
    if (length > 0) this.#advance(length)
    return true
  }

  /** The next `length` bytes if they are at hand, without waiting: a view of the source's piece. */
  takeBuffered(length: number): Uint8Array | undefined {
    if (this.#piece.length < length) return undefined
    const taken = this.#piece.subarray(0, length)
    this.#advance(length)
    return taken
  }

  /** The next 1 … `max` bytes, or undefined at the end: a view of the source's piece. */
  async takeSome(max: number): Promise<Uint8Array | undefined> {
    if (this.#piece.length === 0 && !(await this.#pull(max))) return undefined
    return this.takeBuffered(Math.min(max, this.#piece.length))
  }

  /** The next `length` bytes; fewer only where the stream ends. */
  async takeUpTo(length: number): Promise<Uint8Array> {
    const whole = this.takeBuffered(length)
    if (whole !== undefined) return whole
    const taken = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const part = await this.takeSome(length - filled)
      if (part === undefined) return taken.subarray(0, filled)
      taken.set(part, filled)
      filled += part.length
    }
    return taken
  }

  /**
   * The next `length` bytes.
   * @throws {BuildError} ERR_BUILD_BAD_TAR where the stream ends earlier.
   */
  async take(length: number, what: string): Promise<Uint8Array> {
    const start = this.#offset
    const taken = await this.takeUpTo(length)
    if (taken.length === length) return taken
    throw badTar(`the tar ends after ${taken.length} of ${length} bytes of ${what}`, start, {
      expected: length,
      found: taken.length,
    })
  }

  /** Skips `length` bytes. @throws {BuildError} ERR_BUILD_BAD_TAR where the stream ends earlier. */
  async skip(length: number, what: string): Promise<void> {
    const start = this.#offset
    let left = length
    while (left > 0) {
      const part = await this.takeSome(left)
      if (part === undefined) {
        const found = length - left
        throw badTar(`the tar ends after ${found} of ${length} bytes of ${what}`, start, {
          expected: length,
          found,
        })
      }
      left -= part.length
    }
  }

  /** Tells the stream that nobody reads on. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#piece = EMPTY
    await this.#iterator.return?.()
  }

  #advance(length: number): void {
    this.#piece = this.#piece.subarray(length)
    this.#offset += length
  }

  async #pull(max: number): Promise<boolean> {
    while (!this.#ended) {
      this.#signal?.throwIfAborted()
      const next = await this.#iterator.next(max)
      if (next.done) this.#ended = true
      else if (next.value.length > 0) {
        this.#piece = next.value
        return true
      }
    }
    return false
  }
}
