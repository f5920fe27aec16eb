// SPDX-License-Identifier: Apache-2.0

/** Contents remembered; later ones are compressed again where they repeat. */
const MAX_SEEN = 1 << 18
const FIRST_SLOTS = 1 << 10
/** Half a digest tells contents apart. */
const WORDS = 4

/** A set of digests, 16 bytes each, in an open hash table that is at most half full. */
export class SeenDigests {
  #table = new Uint32Array(FIRST_SLOTS * WORDS)
  #count = 0

  /** Tells whether a digest is in the set; puts it in as long as the set is not full. @param digest 32 bytes. */
  hasOrAdd(digest: Uint8Array): boolean {
    const key = new Uint32Array(WORDS)
    for (let i = 0; i < WORDS * 4; i++) key[i >> 2] = ((key[i >> 2] as number) << 8) | (digest[i] as number)
    if (this.#put(key)) return true
    if (this.#count * 2 > this.#table.length / WORDS) this.#grow()
    return false
  }

  /** @returns true if the key was there. A key of zeros cannot be told from a free slot, and is never there. */
  #put(key: Uint32Array): boolean {
    const mask = this.#table.length / WORDS - 1
    for (let slot = (key[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS
      if (this.#isFree(at)) {
        if (this.#count === MAX_SEEN) return false
        this.#table.set(key, at)
        this.#count += 1
        return false
      }
      if (this.#equals(at, key)) return true
    }
  }

  #isFree(at: number): boolean {
    for (let i = 0; i < WORDS; i++) if (this.#table[at + i] !== 0) return false
    return true
  }

  #equals(at: number, key: Uint32Array): boolean {
    for (let i = 0; i < WORDS; i++) if (this.#table[at + i] !== key[i]) return false
    return true
  }

  #grow(): void {
    const old = this.#table
    this.#table = new Uint32Array(old.length * 2)
    const count = this.#count
    for (let at = 0; at < old.length; at += WORDS) {
      const key = old.subarray(at, at + WORDS)
      if (key.some((word) => word !== 0)) this.#put(key)
    }
    this.#count = count
  }
}
