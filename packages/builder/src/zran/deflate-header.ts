// SPDX-License-Identifier: Apache-2.0
/** Headers of deflate blocks: RFC 1951, sections 3.2.3 to 3.2.7. */
import { DigestError } from '@nydus/base/error'
import {
  DISTANCE_ENTRIES,
  DISTANCE_INDEX_BITS,
  HuffmanTable,
  LENGTH_CODE_ENTRIES,
  LENGTH_CODE_INDEX_BITS,
  LITERAL_ENTRIES,
  LITERAL_INDEX_BITS,
} from './huffman-table.ts'

/** Most bytes of a block header: 17 bits, 19 code lengths of 3 bits, 320 lengths of 14 bits. */
export const MAX_BLOCK_HEADER_BYTES = 640
/** Order in which the code lengths of the length codes are written. */
const LENGTH_CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const MAX_LITERAL_CODES = 286
const MAX_DISTANCE_CODES = 30
const END_OF_BLOCK = 256

/** The two codes of a block with symbols. */
export class BlockCodes {
  readonly literals = new HuffmanTable(LITERAL_INDEX_BITS, LITERAL_ENTRIES)
  readonly distances = new HuffmanTable(DISTANCE_INDEX_BITS, DISTANCE_ENTRIES)
  readonly #lengthCodes = new HuffmanTable(LENGTH_CODE_INDEX_BITS, LENGTH_CODE_ENTRIES)
  readonly #lengths = new Uint8Array(MAX_LITERAL_CODES + MAX_DISTANCE_CODES)
  #fixed = false

  /** The codes that need no header. */
  useFixed(): void {
    if (this.#fixed) return
    const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280)
    this.literals.build(lengths, false)
    this.distances.build(new Uint8Array(32).fill(5), false)
    this.#fixed = true
  }

  /**
   * Reads the codes behind the type of a dynamic block.
   * @param bit position of the first bit in `view`; MAX_BLOCK_HEADER_BYTES must follow.
   * @returns the position behind the header.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED
   */
  readDynamic(view: DataView, bit: number): number {
    this.#fixed = false
    const counts = peekBits(view, bit)
    const literalCount = (counts & 0x1f) + 257
    const distanceCount = ((counts >>> 5) & 0x1f) + 1
    if (literalCount > MAX_LITERAL_CODES || distanceCount > MAX_DISTANCE_CODES) {
      throw damagedDeflate(`${literalCount} literal and ${distanceCount} distance codes`)
    }
    const lengthCodeCount = ((counts >>> 10) & 0xf) + 4
    const lengthCodes = new Uint8Array(LENGTH_CODE_ORDER.length)
    let at = bit + 14
    for (let i = 0; i < lengthCodeCount; i++, at += 3) {
      lengthCodes[LENGTH_CODE_ORDER[i] as number] = peekBits(view, at) & 7
    }
    this.#lengthCodes.build(lengthCodes, false)
    const total = literalCount + distanceCount
    at = this.#readLengths(view, at, total)
    const lengths = this.#lengths
    if (lengths[END_OF_BLOCK] === 0) throw damagedDeflate('no code for the end of the block')
    this.literals.build(lengths.subarray(0, literalCount), true)
    this.distances.build(lengths.subarray(literalCount, total), true)
    return at
  }

  #readLengths(view: DataView, bit: number, total: number): number {
    const { entries } = this.#lengthCodes
    const lengths = this.#lengths
    let at = bit
    for (let i = 0; i < total; ) {
      const peeked = peekBits(view, at)
      const entry = entries[peeked & ((1 << LENGTH_CODE_INDEX_BITS) - 1)] as number
      const symbol = entry >>> 16
      const codeBits = entry & 0xf
      at += codeBits
      if (symbol < 16) {
        lengths[i++] = symbol
        continue
      }
      if (symbol === 16 && i === 0) throw damagedDeflate('a code length repeats nothing')
      const extraBits = symbol === 16 ? 2 : symbol === 17 ? 3 : 7
      const repeat = ((peeked >>> codeBits) & ((1 << extraBits) - 1)) + (symbol === 18 ? 11 : 3)
      at += extraBits
      if (i + repeat > total) throw damagedDeflate('code lengths run past their number')
      lengths.fill(symbol === 16 ? (lengths[i - 1] as number) : 0, i, i + repeat)
      i += repeat
    }
    return at
  }
}

/** The 25 or more bits at position `bit`; four bytes must be there. */
export function peekBits(view: DataView, bit: number): number {
  return view.getUint32(bit >>> 3, true) >>> (bit & 7)
}

/** ERR_DECOMPRESS_FAILED */
export function damagedDeflate(found: string): DigestError {
  return new DigestError('ERR_DECOMPRESS_FAILED', `damaged gzip data: ${found}`)
}
