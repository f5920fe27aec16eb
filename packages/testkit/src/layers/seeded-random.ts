// SPDX-License-Identifier: Apache-2.0
/** A small reproducible random generator (mulberry32) for test content. */

/** The same seed gives the same sequence. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A float in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** `length` bytes that do not compress. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.below(256)
    return bytes
  }

  /** `length` bytes of words, which compress. */
  text(length: number): Uint8Array {
    const words = ['blob', 'chunk', 'inode', 'layer', 'mount', 'range', 'digest', 'index']
    let text = ''
    while (text.length < length) text += `${words[this.below(words.length)]} `
    return Buffer.from(text.slice(0, length))
  }
}
