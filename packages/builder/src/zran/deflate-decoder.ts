// SPDX-License-Identifier: Apache-2.0
/**
 * Inflate that stops at block boundaries and at any byte of its output, and knows how far zlib would have read its
 * input there: zran contexts and chunk records are made of these positions. node:zlib tells neither.
 *
 * Like zlib with Z_BLOCK, it looks one symbol ahead when the wanted output is complete: the end of a block that comes
 * right behind the last byte has been read, and a literal or match has been read but not written.
 */
import { BlockCodes, damagedDeflate, MAX_BLOCK_HEADER_BYTES, peekBits } from './deflate-header.ts'
import { DISTANCE_INDEX_BITS, ENTRY, LITERAL_INDEX_BITS } from './huffman-table.ts'

/** Why `run` came back. */
export type DecodeStop =
  /** The output has reached its limit. */
  | 'output'
  /** A block has ended. */
  | 'block'
  /** More input is needed. */
  | 'input'

/** Bytes of the file that the original gives to zlib at a time. */
const INPUT_STEP_BYTES = 64 << 10
/** Most bytes that one symbol, its extra bits and a peek need. */
export const SYMBOL_BYTES = 16
/** From here on memory copies are faster than loops. */
const LONG_COPY_BYTES = 48
const KIND_MASK = 0xf0
const LITERAL = ENTRY.LITERAL << 4
const BASE = ENTRY.BASE << 4
const END = ENTRY.END << 4
const LINK = ENTRY.LINK << 4
/** No table has an entry without bits. */
const NO_ENTRY = 0
/** A peek has 25 bits: behind a code of so many there are enough for another lookup. */
const SHORT_CODE_BITS = 25 - LITERAL_INDEX_BITS
const LITERAL_MASK = (1 << LITERAL_INDEX_BITS) - 1
const DISTANCE_MASK = (1 << DISTANCE_INDEX_BITS) - 1

type State = 'header' | 'symbols' | 'stored'

/** One deflate stream. `input` and `output` belong to the caller, who moves and refills them between runs. */
export class DeflateDecoder {
  readonly #codes = new BlockCodes()
  #state: State = 'header'
  #final = false
  #storedLeft = 0
  /** A symbol that was read and not (wholly) written. */
  #literal = -1
  #matchLeft = 0
  #matchDistance = 0
  /** Where the stream starts in terms of `output`: before it if negative. */
  #streamStart = 0
  /** SYMBOL_BYTES must follow `inputEnd`. */
  view: DataView = new DataView(new ArrayBuffer(SYMBOL_BYTES))
  input: Uint8Array = new Uint8Array(0)
  /** Bytes of `input` that are there. */
  inputEnd = 0
  /** True when no more input will come. */
  inputIsLast = false
  /** Next bit of `input` to read. */
  bit = 0
  /** Bytes of the file before `input`. */
  inputOffset = 0
  /** Bytes of the file that zlib had taken when it last stopped for the end of a step. */
  heldAt = 0
  output: Uint8Array = new Uint8Array(0)
  position = 0
  /** Bytes that the stream has given; the last 32768 of them must stay in `output` before `position`. */
  produced = 0

  /** True when the block that ended last was the stream's last. */
  get isFinal(): boolean {
    return this.#final
  }

  /** Starts another stream at `bit`. */
  reset(): void {
    this.#state = 'header'
    this.#final = false
    this.produced = 0
  }

  /**
   * Decodes until `position` is `limit`, a block ends, or the input is used up. A block that ends at the limit is told.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED for damaged or cut data.
   */
  run(limit: number): DecodeStop {
    const start = this.position
    try {
      if (this.#state === 'header') {
        if (limit === start) return 'output'
        if (!this.#readHeader()) return 'input'
      }
      return this.#state === 'stored' ? this.#copyStored(limit) : this.#decodeSymbols(limit)
    } finally {
      this.produced += this.position - start
    }
  }

  /** False when the header may not be there as a whole. */
  #readHeader(): boolean {
    if (!this.inputIsLast && this.inputEnd - (this.bit >>> 3) < MAX_BLOCK_HEADER_BYTES) return false
    const header = peekBits(this.view, this.bit)
    this.bit += 3
    this.#final = (header & 1) !== 0
    const type = (header >>> 1) & 3
    if (type === 3) throw damagedDeflate('block of type 3')
    if (type === 0) {
      this.#readStoredHeader()
    } else {
      if (type === 1) this.#codes.useFixed()
      else this.bit = this.#codes.readDynamic(this.view, this.bit)
      this.#state = 'symbols'
    }
    this.#checkInput()
    return true
  }

  #readStoredHeader(): void {
    const at = (this.bit + 7) >>> 3
    const length = this.view.getUint16(at, true)
    const check = this.view.getUint16(at + 2, true)
    this.bit = (at + 4) * 8
    this.#checkInput()
    if (length !== (check ^ 0xffff)) throw damagedDeflate('a stored block whose length fails its check')
    this.#storedLeft = length
    this.#state = 'stored'
  }

  #copyStored(limit: number): DecodeStop {
    const at = this.bit >>> 3
    const length = Math.min(this.#storedLeft, limit - this.position, this.inputEnd - at)
    this.output.set(this.input.subarray(at, at + length), this.position)
    this.position += length
    this.bit += length * 8
    this.#storedLeft -= length
    if (this.#storedLeft === 0) return this.#endBlock()
    if (this.position === limit) return 'output'
    if (this.inputIsLast) throw cut()
    return 'input'
  }

  #endBlock(): DecodeStop {
    this.#state = 'header'
    return 'block'
  }

  #checkInput(): void {
    if (this.bit > this.inputEnd * 8) throw cut()
  }

  /** Writes what was read before. @returns false when the limit cut it off. */
  #writePending(limit: number): boolean {
    if (this.#literal >= 0) {
      if (this.position === limit) return false
      this.output[this.position++] = this.#literal
      this.#literal = -1
    }
    if (this.#matchLeft > 0) {
      const length = Math.min(this.#matchLeft, limit - this.position)
      copyMatch(this.output, this.position, this.#matchDistance, length)
      this.position += length
      this.#matchLeft -= length
    }
    return this.#matchLeft === 0
  }

  #decodeSymbols(limit: number): DecodeStop {
    this.#streamStart = this.position - this.produced
    if (!this.#writePending(limit)) return 'output'
    const lastBit = (this.inputEnd - (this.inputIsLast ? 0 : SYMBOL_BYTES)) * 8
    let stop: DecodeStop | undefined
    while (stop === undefined) {
      const entry = this.#writeLiterals(limit, lastBit)
      stop = entry === NO_ENTRY ? 'input' : this.#takeSymbol(entry, limit)
    }
    if (!this.inputIsLast) return stop
    this.#checkInput()
    if (stop !== 'input') return stop
    if (this.position < limit) throw cut()
    return 'output'
  }

  /**
   * Writes literals for as long as there are any, input, and room.
   * @returns the entry of the next symbol, with all bits of its code, or NO_ENTRY when there is no more input.
   */
  #writeLiterals(limit: number, lastBit: number): number {
    const { view, output } = this
    const literals = this.#codes.literals.entries
    let { bit, position } = this
    let entry = NO_ENTRY
    while (bit < lastBit) {
      const peeked = view.getUint32(bit >>> 3, true) >>> (bit & 7)
      entry = literals[peeked & LITERAL_MASK] as number
      if ((entry & KIND_MASK) === LINK) {
        const index = (peeked >>> LITERAL_INDEX_BITS) & ((1 << ((entry >>> 12) & 0xf)) - 1)
        entry = (literals[(entry >>> 16) + index] as number) + LITERAL_INDEX_BITS
      }
      if ((entry & KIND_MASK) !== LITERAL || position === limit) break
      const used = entry & 0xf
      output[position++] = entry >>> 16
      bit += used
      entry = NO_ENTRY
      if (used > SHORT_CODE_BITS || position === limit || bit >= lastBit) continue
      const next = literals[(peeked >>> used) & LITERAL_MASK] as number
      if ((next & KIND_MASK) !== LITERAL) continue
      output[position++] = next >>> 16
      bit += next & 0xf
    }
    this.bit = bit
    this.position = position
    return entry
  }

  /** Takes a symbol that is no literal, or for which there is no room. @returns undefined to go on. */
  #takeSymbol(entry: number, limit: number): DecodeStop | undefined {
    const kind = entry & KIND_MASK
    const end = this.bit + (entry & 0xf)
    if (kind === BASE) return this.#takeMatch(entry, limit)
    if (kind !== LITERAL && kind !== END) throw damagedDeflate('an unknown code')
    if (this.position === limit && !this.#mayLookAhead(this.bit, end)) return 'output'
    this.bit = end
    if (kind === END) return this.#endBlock()
    this.#literal = entry >>> 16
    return 'output'
  }

  #takeMatch(entry: number, limit: number): DecodeStop | undefined {
    const { view } = this
    const distances = this.#codes.distances.entries
    let bit = this.bit + (entry & 0xf)
    const lengthBits = (entry >>> 12) & 0xf
    const length = (entry >>> 16) + (peekBits(view, bit) & ((1 << lengthBits) - 1))
    bit += lengthBits
    const peeked = peekBits(view, bit)
    let distanceEntry = distances[peeked & DISTANCE_MASK] as number
    bit += distanceEntry & 0xf
    if ((distanceEntry & KIND_MASK) === LINK) {
      const index = (peeked >>> DISTANCE_INDEX_BITS) & ((1 << ((distanceEntry >>> 12) & 0xf)) - 1)
      distanceEntry = distances[(distanceEntry >>> 16) + index] as number
      bit += distanceEntry & 0xf
    }
    if ((distanceEntry & KIND_MASK) !== BASE) throw damagedDeflate('an unknown distance code')
    const distanceBits = (distanceEntry >>> 12) & 0xf
    const distance = (distanceEntry >>> 16) + (peekBits(view, bit) & ((1 << distanceBits) - 1))
    bit += distanceBits
    if (distance > this.position - this.#streamStart) {
      throw damagedDeflate(`a distance of ${distance} before the start`)
    }
    if (this.position === limit && !this.#mayLookAhead(this.bit, bit)) return 'output'
    this.bit = bit
    const written = Math.min(length, limit - this.position)
    copyMatch(this.output, this.position, distance, written)
    this.position += written
    if (written === length) return undefined
    this.#matchLeft = length - written
    this.#matchDistance = distance
    return 'output'
  }

  /** The original fills zlib's input in steps, and zlib stays where a step ends inside the next symbol. */
  #mayLookAhead(bit: number, end: number): boolean {
    const read = this.inputOffset + Math.ceil(bit / 8)
    const boundary = Math.ceil(read / INPUT_STEP_BYTES) * INPUT_STEP_BYTES
    if (this.inputOffset + Math.ceil(end / 8) <= boundary) return true
    this.heldAt = boundary
    return false
  }
}

/** Copies bytes from `distance` back; source and target may overlap, which repeats them. */
function copyMatch(output: Uint8Array, position: number, distance: number, length: number): void {
  const from = position - distance
  if (length >= LONG_COPY_BYTES) {
    if (distance >= length) {
      output.copyWithin(position, from, from + length)
      return
    }
    if (distance === 1) {
      output.fill(output[from] as number, position, position + length)
      return
    }
  }
  for (let i = 0; i < length; i++) output[position + i] = output[from + i] as number
}

function cut(): Error {
  return damagedDeflate('it ends inside a block')
}
