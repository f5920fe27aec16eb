// SPDX-License-Identifier: Apache-2.0
/**
 * Tables that decode Huffman codes of deflate, one lookup for most symbols and two for the rest. An entry:
 *
 *   31 … 16 payload │ 15 … 12 extra bits │ 7 … 4 kind │ 3 … 0 bits of the code
 *
 * RFC 1951, sections 3.2.2 and 3.2.5.
 */
import { DigestError } from '@nydus/base/error'

/** What an entry is: see the payload of each. */
export const ENTRY = {
  /** The byte. */
  LITERAL: 0,
  /** Least length or distance; extra bits are added. */
  BASE: 1,
  END: 2,
  /** Index of a second table; the extra bits are its index bits. */
  LINK: 3,
  /** No such code. */
  INVALID: 4,
} as const

/** Longest code. */
const MAX_BITS = 15
/** Index bits of a first table. */
export const LITERAL_INDEX_BITS = 11
export const DISTANCE_INDEX_BITS = 9
export const LENGTH_CODE_INDEX_BITS = 7

/** @returns an entry without the bits of its code. */
export function tableEntry(kind: number, payload = 0, extraBits = 0): number {
  return ((payload << 16) | (extraBits << 12) | (kind << 4)) >>> 0
}

const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const INVALID = tableEntry(ENTRY.INVALID)

/** Entries of the 288 literal and length symbols. */
export const LITERAL_ENTRIES: Uint32Array = literalEntries()
/** Entries of the 32 distance symbols. */
export const DISTANCE_ENTRIES: Uint32Array = distanceEntries()
/** Entries of the 19 symbols that code lengths are written with. */
export const LENGTH_CODE_ENTRIES: Uint32Array = Uint32Array.from({ length: 19 }, (_, symbol) =>
  tableEntry(ENTRY.LITERAL, symbol),
)

function literalEntries(): Uint32Array {
  const entries = new Uint32Array(288).fill(INVALID)
  for (let byte = 0; byte < 256; byte++) entries[byte] = tableEntry(ENTRY.LITERAL, byte)
  entries[256] = tableEntry(ENTRY.END)
  let base = 3
  LENGTH_EXTRA.forEach((extra, i) => {
    // The last symbol is length 258 alone; the one before it ends at 257.
    entries[257 + i] = tableEntry(ENTRY.BASE, i === 28 ? 258 : base, extra)
    base += 1 << extra
  })
  return entries
}

function distanceEntries(): Uint32Array {
  const entries = new Uint32Array(32).fill(INVALID)
  let base = 1
  for (let symbol = 0; symbol < 30; symbol++) {
    const extra = symbol < 4 ? 0 : (symbol >> 1) - 1
    entries[symbol] = tableEntry(ENTRY.BASE, base, extra)
    base += 1 << extra
  }
  return entries
}

/** A decoding table; building it again reuses the memory. */
export class HuffmanTable {
  readonly entries: Uint32Array
  readonly #indexBits: number
  readonly #symbolEntries: Uint32Array
  readonly #counts = new Uint16Array(MAX_BITS + 1)
  readonly #starts = new Uint16Array(MAX_BITS + 2)
  readonly #sorted: Uint16Array

  /**
   * @param indexBits of the first lookup.
   * @param symbolEntries entry of each symbol, without code bits.
   */
  constructor(indexBits: number, symbolEntries: Uint32Array) {
    this.#indexBits = indexBits
    this.#symbolEntries = symbolEntries
    this.#sorted = new Uint16Array(symbolEntries.length)
    // Each symbol opens at most one second table.
    this.entries = new Uint32Array((1 << indexBits) + symbolEntries.length * (1 << (MAX_BITS - indexBits)))
  }

  /**
   * @param lengths bits of each symbol's code, 0 for none.
   * @param mayBeIncomplete accepts no code at all, or one of a single bit, as deflate does.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED when the lengths are no prefix code.
   */
  build(lengths: Uint8Array, mayBeIncomplete: boolean): void {
    const longest = this.#sort(lengths, mayBeIncomplete)
    const { entries } = this
    const indexBits = this.#indexBits
    entries.fill(INVALID, 0, 1 << indexBits)
    let code = 0
    let at = 0
    let next = 1 << indexBits
    let linkedPrefix = -1
    let linkBits = 0
    for (let length = 1; length <= longest; length++) {
      const count = this.#counts[length] as number
      for (let i = 0; i < count; i++, code++, at++) {
        const entry = this.#symbolEntries[this.#sorted[at] as number] as number
        const reversed = reverseBits(code, length)
        if (length <= indexBits) {
          const step = 1 << length
          for (let slot = reversed; slot < 1 << indexBits; slot += step) entries[slot] = entry | length
          continue
        }
        const prefix = reversed & ((1 << indexBits) - 1)
        if (prefix !== linkedPrefix) {
          linkedPrefix = prefix
          linkBits = this.#linkBits(length, longest, count - i)
          entries[prefix] = tableEntry(ENTRY.LINK, next, linkBits) | indexBits
          entries.fill(INVALID, next, next + (1 << linkBits))
          next += 1 << linkBits
        }
        const start = next - (1 << linkBits)
        const step = 1 << (length - indexBits)
        for (let slot = reversed >> indexBits; slot < 1 << linkBits; slot += step) {
          entries[start + slot] = entry | (length - indexBits)
        }
      }
      code <<= 1
    }
  }

  /** Symbols by length, then number. @returns the longest length. */
  #sort(lengths: Uint8Array, mayBeIncomplete: boolean): number {
    const counts = this.#counts.fill(0)
    for (const length of lengths) counts[length] = (counts[length] as number) + 1
    counts[0] = 0
    const starts = this.#starts
    let free = 1
    let longest = 0
    starts[1] = 0
    for (let length = 1; length <= MAX_BITS; length++) {
      const count = counts[length] as number
      free = free * 2 - count
      if (free < 0) throw badCode('more codes than fit')
      if (count > 0) longest = length
      starts[length + 1] = (starts[length] as number) + count
    }
    if (free > 0 && !(mayBeIncomplete && longest <= 1)) throw badCode('codes without a symbol')
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] as number
      if (length > 0) {
        this.#sorted[starts[length] as number] = symbol
        starts[length] = (starts[length] as number) + 1
      }
    }
    return longest
  }

  /** Index bits of the second table that a code of `length` opens; `left` codes of that length are to come. */
  #linkBits(length: number, longest: number, left: number): number {
    let bits = length - this.#indexBits
    let free = (1 << bits) - left
    while (free > 0 && bits + this.#indexBits < longest) {
      bits += 1
      free = free * 2 - (this.#counts[bits + this.#indexBits] as number)
    }
    return bits
  }
}

function reverseBits(code: number, length: number): number {
  let reversed = 0
  for (let i = 0, rest = code; i < length; i++, rest >>= 1) reversed = (reversed << 1) | (rest & 1)
  return reversed
}

function badCode(found: string): DigestError {
  return new DigestError('ERR_DECOMPRESS_FAILED', `damaged gzip data: a Huffman code with ${found}`)
}
