// SPDX-License-Identifier: Apache-2.0
/** Reads a gzip file of any number of members: plain bytes, and the places where decoding could start again. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { gzipHeaderSize } from '@nydus/base/compress'
import { type DecodeStop, DeflateDecoder, SYMBOL_BYTES } from './deflate-decoder.ts'
import { damagedDeflate } from './deflate-header.ts'
import { InputWindow } from './input-window.ts'

/** A block boundary. */
export interface BlockPoint {
  /** Bytes of the file before it, a begun byte counted as a whole. */
  readonly inOffset: number
  /** Plain bytes before it. */
  readonly outOffset: number
  /** High bits of the begun byte that come behind the boundary, 0 … 7. */
  readonly unusedBits: number
  /** That byte; 0 when there is none. */
  readonly previousByte: number
}

const WINDOW_BYTES = 32 << 10
/** Plain bytes beside the window: few enough to stay in the processor's cache. */
const OUTPUT_BYTES = 256 << 10
const MAX_GZIP_HEADER_BYTES = 128 << 10
const TRAILER_BYTES = 8

type Phase = 'start' | 'gzip-header' | 'blocks' | 'trailer' | 'padding' | 'end'

/** A reader. One call at a time. */
export class GzipReader {
  readonly #onMember: (inOffset: number) => void
  readonly #input: InputWindow
  readonly #decoder = new DeflateDecoder()
  readonly #fileHash = createHash('sha256')
  readonly #plainHash = createHash('sha256')
  #phase: Phase = 'start'
  /** Plain bytes that `output` no longer has. */
  #dropped = -WINDOW_BYTES
  /** In `output`: the first byte that the member's checksum does not cover yet. */
  #unchecked = WINDOW_BYTES
  #crc = 0
  /** Members that have ended. */
  #members = 0
  #point: BlockPoint = { inOffset: 0, outOffset: 0, unusedBits: 0, previousByte: 0 }
  #dictionarySize = 0
  /** The point's window, once `output` has lost it. */
  #savedDictionary: Uint8Array | undefined

  /**
   * @param source the file; it is read to its end.
   * @param onMember is told of each member how many bytes are before its first block.
   */
  constructor(source: AsyncIterable<Uint8Array>, onMember: (inOffset: number) => void = () => undefined) {
    this.#onMember = onMember
    this.#input = new InputWindow(source, SYMBOL_BYTES, (bytes) => void this.#fileHash.update(bytes))
    this.#decoder.output = new Uint8Array(WINDOW_BYTES + OUTPUT_BYTES)
    this.#decoder.position = WINDOW_BYTES
    this.#showInput(0)
  }

  /** Bytes of the file that zlib would have taken to give what was read so far. */
  get inOffset(): number {
    const { inputOffset, bit, heldAt } = this.#decoder
    return Math.max(inputOffset + Math.ceil(bit / 8), heldAt)
  }

  /** True when everything up to and with the end of a member's last block was read. */
  get isAtMemberEnd(): boolean {
    return this.#phase === 'trailer'
  }

  /** Plain bytes read so far. */
  get outOffset(): number {
    return this.#dropped + this.#decoder.position
  }

  /** The last block boundary from which inflate can start: the one behind a member's last block is none. */
  get point(): BlockPoint {
    return this.#point
  }

  /** The plain bytes before `point` that blocks behind it may refer to, at most 32768: a copy. */
  dictionary(): Uint8Array {
    if (this.#savedDictionary !== undefined) return this.#savedDictionary
    const end = this.#point.outOffset - this.#dropped
    return this.#decoder.output.slice(end - this.#dictionarySize, end)
  }

  /** Bytes of the file taken in. */
  get fileSize(): number {
    return this.#input.size
  }

  /** SHA-256 of the file and of the plain bytes, hex; once, at the end. */
  digests(): { readonly file: string; readonly plain: string } {
    return { file: this.#fileHash.digest('hex'), plain: this.#plainHash.digest('hex') }
  }

  /**
   * The next 1 … `max` plain bytes, undefined at the end. A view that is valid until the next call.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED for damaged or cut data, and what the source throws.
   */
  async read(max: number): Promise<Uint8Array | undefined> {
    const decoder = this.#decoder
    if (decoder.position === decoder.output.length) this.#slideOutput()
    const start = decoder.position
    const limit = Math.min(start + max, decoder.output.length)
    for (;;) {
      const stop = this.#step(limit)
      if (stop === 'input') await this.#moreInput()
      else if (decoder.position > start) break
      else if (this.#phase === 'end') return undefined
    }
    const plain = decoder.output.subarray(start, decoder.position)
    this.#plainHash.update(plain)
    return plain
  }

  /** Tells the source that nobody reads on. */
  close(): Promise<void> {
    return this.#input.close()
  }

  #step(limit: number): DecodeStop {
    switch (this.#phase) {
      case 'start':
        return this.#startMember()
      case 'gzip-header':
        return this.#readHeader()
      case 'blocks':
        return this.#readBlocks(limit)
      case 'trailer':
        return this.#readTrailer()
      case 'padding':
        return this.#skipPadding()
      case 'end':
        return 'block'
    }
  }

  /** At the start, and behind a member: another one, zeros, or the end. */
  #startMember(): DecodeStop {
    const at = this.#decoder.bit / 8
    if (at === this.#input.end) {
      if (!this.#input.isLast) return 'input'
      if (this.#input.size === 0) throw damagedDeflate('it is empty')
      this.#phase = 'end'
    } else this.#phase = this.#input.bytes[at] === 0 && this.#members > 0 ? 'padding' : 'gzip-header'
    return 'block'
  }

  #readHeader(): DecodeStop {
    const decoder = this.#decoder
    const at = decoder.bit / 8
    const { bytes, end, isLast } = this.#input
    const size = gzipHeaderSize(bytes.subarray(at, end))
    if (size === undefined) {
      if (isLast) throw damagedDeflate('it ends inside a member header')
      if (end - at > MAX_GZIP_HEADER_BYTES) throw damagedDeflate('a member header of more than 128 KiB')
      return 'input'
    }
    decoder.bit = (at + size) * 8
    decoder.reset()
    this.#crc = 0
    this.#unchecked = decoder.position
    this.#phase = 'blocks'
    this.#setPoint()
    this.#onMember(this.#point.inOffset)
    return 'block'
  }

  #readBlocks(limit: number): DecodeStop {
    const stop = this.#decoder.run(limit)
    if (stop !== 'block') return stop
    if (this.#decoder.isFinal) this.#phase = 'trailer'
    else this.#setPoint()
    return stop
  }

  #readTrailer(): DecodeStop {
    const decoder = this.#decoder
    const at = Math.ceil(decoder.bit / 8)
    const { end, isLast, view } = this.#input
    if (end - at < TRAILER_BYTES) {
      if (isLast) throw damagedDeflate('it ends inside a member trailer')
      return 'input'
    }
    this.#updateCrc()
    const found = [view.getUint32(at, true), view.getUint32(at + 4, true)]
    if (found[0] !== this.#crc || found[1] !== decoder.produced % 2 ** 32) {
      throw damagedDeflate('checksum or size of a member do not match')
    }
    decoder.bit = (at + TRAILER_BYTES) * 8
    this.#members += 1
    this.#phase = 'start'
    return 'block'
  }

  /** Zeros behind the last member, as tape blocks leave them. */
  #skipPadding(): DecodeStop {
    const decoder = this.#decoder
    const { bytes, end, isLast } = this.#input
    if (bytes.subarray(decoder.bit / 8, end).some((byte) => byte !== 0)) {
      throw damagedDeflate('bytes behind its last member')
    }
    decoder.bit = end * 8
    if (!isLast) return 'input'
    this.#phase = 'end'
    return 'block'
  }

  #setPoint(): void {
    const { inputOffset, bit, produced } = this.#decoder
    const at = Math.ceil(bit / 8)
    const unusedBits = at * 8 - bit
    this.#point = {
      inOffset: inputOffset + at,
      outOffset: this.outOffset,
      unusedBits,
      previousByte: unusedBits === 0 ? 0 : (this.#input.bytes[at - 1] as number),
    }
    this.#dictionarySize = Math.min(produced, WINDOW_BYTES)
    this.#savedDictionary = undefined
  }

  #updateCrc(): void {
    const { output, position } = this.#decoder
    this.#crc = crc32(output.subarray(this.#unchecked, position), this.#crc)
    this.#unchecked = position
  }

  /** Keeps the last 32 KiB of output. */
  #slideOutput(): void {
    const decoder = this.#decoder
    this.#updateCrc()
    const dropped = decoder.position - WINDOW_BYTES
    const dictionaryStart = this.#point.outOffset - this.#dropped - this.#dictionarySize
    if (dictionaryStart < dropped) this.#savedDictionary = this.dictionary()
    decoder.output.copyWithin(0, dropped, decoder.position)
    decoder.position = WINDOW_BYTES
    this.#unchecked = WINDOW_BYTES
    this.#dropped += dropped
  }

  async #moreInput(): Promise<void> {
    // The byte before stays: it may belong to the next point.
    const used = Math.max(0, Math.ceil(this.#decoder.bit / 8) - 1)
    await this.#input.more(used)
    this.#showInput(used)
  }

  #showInput(used: number): void {
    const decoder = this.#decoder
    decoder.input = this.#input.bytes
    decoder.view = this.#input.view
    decoder.inputEnd = this.#input.end
    decoder.inputIsLast = this.#input.isLast
    decoder.inputOffset = this.#input.start
    decoder.bit -= used * 8
  }
}
