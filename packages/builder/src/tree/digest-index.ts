// SPDX-License-Identifier: Apache-2.0
import type { ChunkStore } from './chunk-store.ts'

const FIRST_SLOTS = 1 << 12
/** Slots in use before the table grows, of eight. */
const MAX_LOAD = 5

/** Finds chunk records by digest: four bytes a slot, open addressing. Digests are as good as random already. */
export class DigestIndex {
  readonly #records: ChunkStore
  /** Record index + 1; 0 is free. */
  #slots = new Uint32Array(FIRST_SLOTS)
  #count = 0

  constructor(records: ChunkStore) {
    this.#records = records
  }

  /** The first record added that has this digest. @param digest 32 bytes. */
  find(digest: Uint8Array): number | undefined {
    const mask = this.#slots.length - 1
    for (let slot = hashOf(digest) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number
      if (entry === 0) return undefined
      if (this.#records.hasDigest(entry - 1, digest)) return entry - 1
    }
  }

  /** Adds a record whose digest is not there. */
  add(record: number): void {
    if ((this.#count + 1) * 8 > this.#slots.length * MAX_LOAD) this.#grow()
    this.#put(record)
    this.#count += 1
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (const entry of old) if (entry !== 0) this.#put(entry - 1)
  }

  #put(record: number): void {
    const mask = this.#slots.length - 1
    let slot = hashOf(this.#records.digest(record)) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = record + 1
  }
}

function hashOf(digest: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = digest
  return a | (b << 8) | (c << 16) | (d << 24)
}
