// SPDX-License-Identifier: Apache-2.0
/** The plain tar of a layer that is built: decoded where it is cheapest, counted, limited and digested. */
import { createHash } from 'node:crypto'
import type { ChunkLane } from '../chunk/chunk-pool.ts'
import {
  decodeStream,
  detectCompression,
  layerTooLarge,
  MAX_LAYER_BYTES,
  peekStream,
} from '../decode/decode-layer.ts'
import { canInflate } from '../decode/layer-inflater.ts'

/** Stored bytes from which on a thread of its own pays for its start. */
const THREAD_MIN_BYTES = 512 << 10

/** How a tar is read. */
export interface LayerSourceOptions {
  /** Most bytes of plain tar, default MAX_LAYER_BYTES. */
  readonly maxBytes?: number | undefined
  /** Take the digest of the plain tar: a good half of what the calling thread does for large files. */
  readonly digest: boolean
}

/** A layer's plain tar. Readable once; a piece is valid only until the next one is asked for. */
export class LayerSource implements AsyncIterable<Uint8Array> {
  readonly #input: AsyncIterable<Uint8Array>
  readonly #lane: ChunkLane
  readonly #maxBytes: number
  readonly #takesDigest: boolean
  #size = 0
  #digest = ''

  /** @param input may use the memory of a piece again when it is asked for the next. */
  constructor(input: AsyncIterable<Uint8Array>, lane: ChunkLane, options: LayerSourceOptions) {
    this.#input = input
    this.#lane = lane
    this.#maxBytes = options.maxBytes ?? MAX_LAYER_BYTES
    this.#takesDigest = options.digest
  }

  /** Plain bytes passed so far. */
  get size(): number {
    return this.#size
  }

  /** Hex SHA-256 of the plain tar, known at its end, if it is taken. */
  get digest(): string {
    return this.#digest
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of this.#decode()) {
      this.#size += bytes.length
      if (this.#size > this.#maxBytes) throw layerTooLarge(this.#maxBytes)
      yield bytes
    }
  }

  async *#decode(): AsyncGenerator<Uint8Array, void, undefined> {
    const { head, rest } = await peekStream(this.#input, THREAD_MIN_BYTES)
    const compression = detectCompression(head)
    if (compression !== 'none' && head.length >= THREAD_MIN_BYTES && canInflate(compression)) {
      yield* this.#lane.decode(rest, compression, (digest) => {
        this.#digest = digest
      })
      return
    }
    const plain = decodeStream(compression, rest)
    if (!this.#takesDigest) {
      yield* plain
      return
    }
    const hash = createHash('sha256')
    for await (const bytes of plain) {
      hash.update(bytes)
      yield bytes
    }
    this.#digest = hash.digest('hex')
  }
}
