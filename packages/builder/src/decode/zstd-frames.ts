// SPDX-License-Identifier: Apache-2.0
/**
 * Finds where zstd frames end, without decoding them.
 *
 *   frame = magic · header (descriptor, window, dictionary id, content size) · blocks · [checksum]
 *   block = u24 (last, type, size) · data;   skippable frame = 5x 2a 4d 18 · u32 size · data
 *
 * Format: RFC 8878, sections 3.1 and 3.1.2.
 */
import { DigestError } from '@nydus/base/error'

const FRAME_MAGIC = 0xfd2f_b528
const SKIPPABLE_MAGIC = 0x184d_2a50
const MAGIC_BYTES = 4
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4
const BLOCK_TYPE = { RAW: 0, RLE: 1, COMPRESSED: 2, RESERVED: 3 } as const
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const

type State =
  | 'magic'
  | 'skippable-size'
  | 'skippable'
  | 'descriptor'
  | 'header'
  | 'block-header'
  | 'block'
  | 'checksum'

/**
 * Yields the bytes of `source` cut so that no piece reaches over the end of a frame.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED for bytes between frames that start no frame, and for data that stops
 *   inside a frame.
 */
export async function* splitZstdFrames(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const scanner = new FrameScanner()
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const length = scanner.advance(bytes, at)
      yield bytes.subarray(at, at + length)
      at += length
    }
  }
  scanner.finish()
}

/** A byte-exact parser that survives any cut of its input. */
export class FrameScanner {
  #state: State = 'magic'
  /** Bytes of the current field still to come. */
  #left = MAGIC_BYTES
  /** Little-endian value of the field, while it is read. */
  #value = 0
  #shift = 0
  #lastBlock = false
  #hasChecksum = false

  /** Length of the run from `at` up to the end of the frame or of `bytes`. */
  advance(bytes: Uint8Array, at: number): number {
    let end = at
    while (end < bytes.length) {
      end += this.#consume(bytes, end)
      if (this.#left > 0 || this.#next()) break
    }
    return end - at
  }

  /** @throws {DigestError} ERR_DECOMPRESS_FAILED when the data stopped inside a frame. */
  finish(): void {
    if (this.#state !== 'magic' || this.#left !== MAGIC_BYTES) throw damaged('truncated zstd layer')
  }

  #consume(bytes: Uint8Array, at: number): number {
    const length = Math.min(this.#left, bytes.length - at)
    if (this.#state !== 'block' && this.#state !== 'skippable') {
      for (let i = 0; i < length; i++, this.#shift += 8) {
        if (this.#shift < 32) this.#value = (this.#value | ((bytes[at + i] as number) << this.#shift)) >>> 0
      }
    }
    this.#left -= length
    return length
  }

  #enter(state: State, length: number): boolean {
    this.#state = state
    this.#left = length
    this.#value = 0
    this.#shift = 0
    return length === 0 ? this.#next() : false
  }

  /** The current field is complete: on to the next. @returns true at the end of a frame. */
  #next(): boolean {
    switch (this.#state) {
      case 'magic':
        return this.#magic()
      case 'skippable-size':
        return this.#enter('skippable', this.#value)
      case 'descriptor':
        return this.#descriptor()
      case 'header':
        return this.#enter('block-header', BLOCK_HEADER_BYTES)
      case 'block-header':
        return this.#blockHeader()
      case 'block':
        if (!this.#lastBlock) return this.#enter('block-header', BLOCK_HEADER_BYTES)
        return this.#hasChecksum ? this.#enter('checksum', CHECKSUM_BYTES) : this.#endFrame()
      case 'skippable':
      case 'checksum':
        return this.#endFrame()
    }
  }

  #endFrame(): true {
    this.#enter('magic', MAGIC_BYTES)
    return true
  }

  #magic(): boolean {
    if (this.#value === FRAME_MAGIC) return this.#enter('descriptor', 1)
    if ((this.#value & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC) return this.#enter('skippable-size', 4)
    throw damaged(`damaged zstd layer: no frame starts with 0x${this.#value.toString(16)}`)
  }

  #descriptor(): boolean {
    const singleSegment = (this.#value & 0x20) !== 0
    this.#hasChecksum = (this.#value & 0x04) !== 0
    const sizeFlag = this.#value >> 6
    const contentSize = sizeFlag === 0 && singleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] as number)
    const dictionaryId = DICTIONARY_ID_BYTES[this.#value & 3] as number
    return this.#enter('header', (singleSegment ? 0 : 1) + dictionaryId + contentSize)
  }

  #blockHeader(): boolean {
    this.#lastBlock = (this.#value & 1) !== 0
    const type = (this.#value >> 1) & 3
    if (type === BLOCK_TYPE.RESERVED) throw damaged('damaged zstd layer: reserved block type')
    return this.#enter('block', type === BLOCK_TYPE.RLE ? 1 : this.#value >> 3)
  }
}

function damaged(message: string): DigestError {
  return new DigestError('ERR_DECOMPRESS_FAILED', message, { details: { compression: 'zstd' } })
}
