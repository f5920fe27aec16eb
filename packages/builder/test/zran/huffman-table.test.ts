// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  DISTANCE_ENTRIES,
  DISTANCE_INDEX_BITS,
  ENTRY,
  HuffmanTable,
  LITERAL_ENTRIES,
  tableEntry,
} from '../../src/zran/huffman-table.ts'

/** Decodes one symbol the way the decoder does. @returns payload and bits used. */
function lookUp(table: HuffmanTable, indexBits: number, bits: number): { payload: number; used: number } {
  let entry = table.entries[bits & ((1 << indexBits) - 1)] as number
  let used = entry & 0xf
  if (((entry >>> 4) & 0xf) === ENTRY.LINK) {
    entry = table.entries[
      (entry >>> 16) + ((bits >>> indexBits) & ((1 << ((entry >>> 12) & 0xf)) - 1))
    ] as number
    used += entry & 0xf
  }
  return { payload: entry >>> 16, used }
}

const SYMBOLS = Uint32Array.from({ length: 20 }, (_, i) => tableEntry(ENTRY.LITERAL, i))

describe('HuffmanTable', () => {
  it('decodes codes of one to fifteen bits', () => {
    // Symbol i has i + 1 bits of ones and a zero; the last two have fifteen.
    const lengths = Uint8Array.from({ length: 16 }, (_, i) => Math.min(i + 1, 15))
    for (const indexBits of [3, 9]) {
      const table = new HuffmanTable(indexBits, SYMBOLS)
      table.build(lengths, false)
      for (let symbol = 0; symbol < 16; symbol++) {
        const code = symbol === 15 ? 0x7fff : (1 << symbol) - 1
        for (const rest of [0, 0x3fff_8000]) {
          expect(lookUp(table, indexBits, code | (symbol < 15 ? rest << (symbol + 1) : rest))).toEqual({
            payload: symbol,
            used: Math.min(symbol + 1, 15),
          })
        }
      }
    }
  })

  it('can be built again, and without a code', () => {
    const table = new HuffmanTable(DISTANCE_INDEX_BITS, DISTANCE_ENTRIES)
    table.build(new Uint8Array(30).fill(5).fill(4, 28), false)
    table.build(new Uint8Array(30), true)
    expect((table.entries[0] as number) >>> 4).toBe(ENTRY.INVALID)
    table.build(Uint8Array.of(1), true)
    expect(lookUp(table, DISTANCE_INDEX_BITS, 0)).toEqual({ payload: 1, used: 1 })
    expect(((table.entries[1] as number) >>> 4) & 0xf).toBe(ENTRY.INVALID)
  })

  it('refuses what is no prefix code', () => {
    const table = new HuffmanTable(9, SYMBOLS)
    for (const [lengths, mayBeIncomplete] of [
      [[1, 1, 1], true],
      [[2, 2, 2], true],
      [[1], false],
      [[], false],
    ] as const) {
      expect(() => table.build(Uint8Array.from(lengths), mayBeIncomplete)).toThrowError(/Huffman code/)
    }
  })

  it('knows lengths and distances of the format', () => {
    expect((LITERAL_ENTRIES[257] as number) >>> 16).toBe(3)
    expect((LITERAL_ENTRIES[284] as number) >>> 16).toBe(227)
    expect((LITERAL_ENTRIES[285] as number) >>> 16).toBe(258)
    expect((DISTANCE_ENTRIES[29] as number) >>> 16).toBe(24_577)
    expect((DISTANCE_ENTRIES[30] as number) >>> 4).toBe(ENTRY.INVALID)
  })
})
