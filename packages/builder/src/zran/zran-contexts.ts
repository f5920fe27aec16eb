// SPDX-License-Identifier: Apache-2.0
/** Chooses the places of a gzip file from which it can be decoded, so that every chunk is near one of them. */
import type { ContextSlice, ZranPoint } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import { GzipReader } from './gzip-reader.ts'

/** Compressed bytes of a context from which on another starts. */
const ENOUGH_IN_BYTES = 512 << 10
/** Compressed bytes of a context behind which a gap of its own length starts another. */
const GAP_IN_BYTES = 512 << 10
/** Uncompressed bytes that a context does not reach with one more chunk. */
const MAX_OUT_BYTES = 2 << 20
const MAX_U32 = 0xffff_ffff

/** Where a chunk is in the gzip file. */
export interface ZranChunk {
  readonly slice: ContextSlice
  /** Compressed bytes before the chunk, as far as zlib reads. */
  readonly inOffset: number
  /** Compressed bytes up to the chunk's end. */
  readonly inSize: number
}

type MutablePoint = { -readonly [Member in keyof ZranPoint]: ZranPoint[Member] }

/** A gzip file and its contexts. Chunks are told one after the other, while the reader stands at their ends. */
export class ZranContexts {
  /** Reads the file. */
  readonly reader: GzipReader
  readonly #chunkSize: number
  /** True while the last context ends with a member. */
  #endsMember = false
  readonly #points: MutablePoint[] = []
  #chunkIn = 0
  #chunkOut = 0

  /** @param chunkSize bytes, of the image: it counts even for smaller chunks. */
  constructor(input: AsyncIterable<Uint8Array>, chunkSize: number) {
    this.reader = new GzipReader(input, (inOffset) => this.#startMember(inOffset))
    this.#chunkSize = chunkSize
  }

  /** All contexts, in the order of the file. */
  get points(): readonly ZranPoint[] {
    return this.#points
  }

  /** The reader stands at the first byte of a chunk. */
  begin(): void {
    const current = this.#points.at(-1)
    if (current === undefined || this.#isFull(current)) this.#start()
    this.#chunkIn = this.reader.inOffset
    this.#chunkOut = this.reader.outOffset
  }

  /** The reader stands behind the last byte of the chunk. @throws {BuildError} ERR_BUILD_TOO_LARGE */
  end(): ZranChunk {
    const point = this.#points.at(-1) as MutablePoint
    const { inOffset, outOffset } = this.reader
    point.inSize = inOffset - point.inOffset
    point.outSize = outOffset - point.outOffset
    this.#endsMember = this.reader.isAtMemberEnd
    if (point.outSize > MAX_U32 || point.inSize > MAX_U32) {
      throw new BuildError(
        'ERR_BUILD_TOO_LARGE',
        `a deflate block from 0x${point.inOffset.toString(16)} on holds more than 4 GiB`,
        { details: { inOffset: point.inOffset }, hint: 'recompress the layer' },
      )
    }
    return {
      slice: { context: this.#points.length - 1, offset: this.#chunkOut - point.outOffset },
      inOffset: this.#chunkIn,
      inSize: inOffset - this.#chunkIn,
    }
  }

  /** A context cannot end inside a block. */
  #isFull(point: ZranPoint): boolean {
    const { inOffset, outOffset } = this.reader
    if (this.reader.point.inOffset === point.inOffset) return false
    const inSize = inOffset - point.inOffset
    const outSize = outOffset - point.outOffset
    if (inSize >= ENOUGH_IN_BYTES || outSize + this.#chunkSize >= MAX_OUT_BYTES) return true
    return point.inSize > GAP_IN_BYTES && inSize > 2 * point.inSize
  }

  /**
   * The original cannot decode a context that ends with a member, unless it goes on into the next: it looks for the trailer
   * and the header, and for a first byte behind them.
   */
  #startMember(inOffset: number): void {
    const point = this.#points.at(-1)
    if (this.#endsMember && point !== undefined) point.inSize = inOffset + 1 - point.inOffset
    this.#endsMember = false
  }

  #start(): void {
    const { inOffset, outOffset, unusedBits, previousByte } = this.reader.point
    const dictionary = this.reader.dictionary()
    this.#points.push({ inOffset, outOffset, unusedBits, previousByte, inSize: 0, outSize: 0, dictionary })
  }
}
