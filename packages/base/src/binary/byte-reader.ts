// SPDX-License-Identifier: Apache-2.0
/** A bounds-checked cursor over variable-length sections. */
import { FormatError } from '../error/nydus-error.ts'

/** Reads forward through `bytes`; every read past the end throws ERR_FORMAT_TRUNCATED. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #what: string
  #offset = 0

  /** @param what name of the section for error messages. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#bytes.byteLength - this.#offset
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  /** The next `length` bytes as a view into the section. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Skips `length` bytes. */
  skip(length: number): void {
    this.#take(length)
  }

  /** Skips to the next multiple of `alignment`, counted from the section's start. */
  align(alignment: number): void {
    const rest = this.#offset % alignment
    if (rest !== 0) this.#take(alignment - rest)
  }

  #take(length: number): number {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining) {
      throw new FormatError(
        'ERR_FORMAT_TRUNCATED',
        `${this.#what}: ${length} bytes expected at 0x${this.#offset.toString(16)}, ${this.remaining} left`,
        { details: { what: this.#what, offset: this.#offset, length, remaining: this.remaining } },
      )
    }
    const at = this.#offset
    this.#offset += length
    return at
  }
}
