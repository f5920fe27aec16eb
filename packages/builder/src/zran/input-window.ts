// SPDX-License-Identifier: Apache-2.0
/** A part of a file in one piece of memory that moves forward with its reader. */

const WINDOW_BYTES = 256 << 10

/** The window. One call at a time. */
export class InputWindow {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #onBytes: (bytes: Uint8Array) => void
  #piece = new Uint8Array(0)
  #ended = false
  #size = 0
  #start = 0
  #end = 0
  /** The memory: `padding` bytes more than ever get filled. */
  readonly bytes: Uint8Array
  readonly view: DataView

  /**
   * @param padding bytes behind the filled part that may be read, of any content.
   * @param onBytes takes all bytes of the file in order.
   */
  constructor(source: AsyncIterable<Uint8Array>, padding: number, onBytes: (bytes: Uint8Array) => void) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#onBytes = onBytes
    this.bytes = new Uint8Array(WINDOW_BYTES + padding)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Bytes of the file before `bytes`. */
  get start(): number {
    return this.#start
  }

  /** Bytes of `bytes` that are filled. */
  get end(): number {
    return this.#end
  }

  /** True when the file ends at `end`. */
  get isLast(): boolean {
    return this.#ended && this.#piece.length === 0
  }

  /** Bytes of the file taken in. */
  get size(): number {
    return this.#size
  }

  /** Drops the first `used` bytes and adds at least one, unless the file has ended. */
  async more(used: number): Promise<void> {
    this.bytes.copyWithin(0, used, this.#end)
    this.#start += used
    this.#end -= used
    if (this.#end === WINDOW_BYTES) throw new RangeError('the window is full')
    while (this.#piece.length === 0 && !this.#ended) await this.#pull()
    const length = Math.min(this.#piece.length, WINDOW_BYTES - this.#end)
    this.bytes.set(this.#piece.subarray(0, length), this.#end)
    this.#piece = this.#piece.subarray(length)
    this.#end += length
  }

  /** Tells the source that nobody reads on. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#iterator.return?.()
  }

  async #pull(): Promise<void> {
    const next = await this.#iterator.next()
    if (next.done) {
      this.#ended = true
      return
    }
    this.#onBytes(next.value)
    this.#size += next.value.length
    this.#piece = next.value as Uint8Array<ArrayBuffer>
  }
}
