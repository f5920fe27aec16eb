// SPDX-License-Identifier: Apache-2.0
const FIRST_CAPACITY = 1024

/** A growing list of numbers 0 … 2^32 − 1, four bytes each. */
export class NumberList {
  #numbers = new Uint32Array(FIRST_CAPACITY)
  #length = 0

  /** Numbers in the list. */
  get length(): number {
    return this.#length
  }

  /** Appends a number. */
  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Uint32Array(this.#numbers.length * 2)
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#numbers[this.#length] = number
    this.#length += 1
  }

  /** The number at `index`. @throws {RangeError} when there is none. */
  at(index: number): number {
    const number = index < this.#length ? this.#numbers[index] : undefined
    if (number === undefined) throw new RangeError(`number ${index} of ${this.#length}`)
    return number
  }
}
