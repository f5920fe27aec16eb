// SPDX-License-Identifier: Apache-2.0
/** The tar of a layer that stays as it is, and where the chunks of its files lie in the layer. */
import type { ZranPoint } from '@nydus/rafs-format'
import type { BlobReference, ReferencedChunk } from '../blob/blob-reference.ts'
import { layerTooLarge } from '../decode/decode-layer.ts'
import type { LayerReader } from './layer-reader.ts'

/** Chunks that were asked for before the queue drops them. */
const QUEUE_SLACK = 4096

/** A stream that gives no more than its reader asks for, so that the reader's place in the layer is known. */
export class ReferencedLayer implements BlobReference, AsyncIterable<Uint8Array> {
  readonly #reader: LayerReader
  readonly #chunkSize: number
  readonly #maxTarBytes: number
  /** Chunks that were read and not asked for yet; a queue with its head at `#head`. */
  #chunks: ReferencedChunk[] = []
  #head = 0
  /** Plain bytes beyond which nothing may be read yet: the end of a chunk. */
  #chunkEnd = Number.POSITIVE_INFINITY
  #digests: { readonly file: string; readonly plain: string } | undefined

  /** @param maxTarBytes of plain tar. */
  constructor(reader: LayerReader, chunkSize: number, maxTarBytes: number) {
    this.#reader = reader
    this.#chunkSize = chunkSize
    this.#maxTarBytes = maxTarBytes
  }

  /** Plain bytes read so far. */
  get tarSize(): number {
    return this.#reader.tarSize
  }

  /** SHA-256 of the plain tar, hex; at its end. */
  get tarDigest(): string {
    return this.#finalDigests().plain
  }

  get zranPoints(): readonly ZranPoint[] | undefined {
    return this.#reader.zranPoints
  }

  get size(): number {
    return this.#reader.size
  }

  get id(): string {
    return this.#finalDigests().file
  }

  nextChunk(): ReferencedChunk {
    const chunk = this.#chunks[this.#head]
    if (chunk === undefined) throw new RangeError('a chunk that was not read')
    this.#head += 1
    if (this.#head === this.#chunks.length || this.#head === QUEUE_SLACK) {
      this.#chunks = this.#chunks.slice(this.#head)
      this.#head = 0
    }
    return chunk
  }

  /**
   * Passes `content` on, which reads this stream's next bytes, and notes the chunks in it.
   * @param size bytes of content.
   */
  async *chunksOf(content: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void> {
    const iterator = content[Symbol.asyncIterator]()
    for (let left = size; left > 0; ) {
      const length = Math.min(left, this.#chunkSize)
      left -= length
      this.#reader.beginChunk()
      this.#chunkEnd = this.tarSize + length
      for (let wanted = length; wanted > 0; ) {
        const next = await iterator.next()
        if (next.done) return
        wanted -= next.value.length
        if (wanted === 0) this.#chunks.push(this.#reader.endChunk())
        yield next.value
      }
    }
    this.#chunkEnd = Number.POSITIVE_INFINITY
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, number | undefined> {
    return {
      next: async (max = Number.POSITIVE_INFINITY) => {
        const piece = await this.#reader.read(Math.min(max, this.#chunkEnd - this.tarSize))
        if (piece === undefined) return { done: true, value: undefined }
        if (this.tarSize > this.#maxTarBytes) throw layerTooLarge(this.#maxTarBytes)
        return { done: false, value: piece }
      },
      return: async () => {
        await this.#reader.close()
        return { done: true, value: undefined }
      },
    }
  }

  #finalDigests(): { readonly file: string; readonly plain: string } {
    this.#digests ??= this.#reader.digests()
    return this.#digests
  }
}
