// SPDX-License-Identifier: Apache-2.0
/** Layers that stay as they are, gzip or plain, read so that the reader's place in them is always known. */
import { createHash } from 'node:crypto'
import type { ZranPoint } from '@nydus/rafs-format'
import type { ReferencedChunk } from '../blob/blob-reference.ts'
import { ZranContexts } from './zran-contexts.ts'

/** A layer, read forward. One call at a time. */
export interface LayerReader {
  /** Plain bytes read so far. */
  readonly tarSize: number
  /** Bytes of the layer taken in. */
  readonly size: number
  /** All contexts so far; undefined for a layer that needs none. */
  readonly zranPoints: readonly ZranPoint[] | undefined
  /** The next 1 … `max` plain bytes, undefined at the end. A view that is valid until the next call. */
  read(max: number): Promise<Uint8Array | undefined>
  /** Tells the layer's stream that nobody reads on. */
  close(): Promise<void>
  /** The bytes that are read from here on up to `endChunk` are a chunk. */
  beginChunk(): void
  /** Where the chunk lies. */
  endChunk(): ReferencedChunk
  /** SHA-256 of the layer as stored and of its plain bytes, hex. Once, at the end. */
  digests(): { readonly file: string; readonly plain: string }
}

/**
 * Reads a gzip layer.
 * @param chunkSize bytes, of the image.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED from `read` for damaged data, and what `input` throws.
 */
export function openGzipLayer(input: AsyncIterable<Uint8Array>, chunkSize: number): LayerReader {
  const contexts = new ZranContexts(input, chunkSize)
  const { reader } = contexts
  return {
    get tarSize() {
      return reader.outOffset
    },
    get size() {
      return reader.fileSize
    },
    zranPoints: contexts.points,
    read: (max) => reader.read(max),
    close: () => reader.close(),
    beginChunk: () => contexts.begin(),
    endChunk() {
      const { slice, inOffset, inSize } = contexts.end()
      // The chunk's place in its context and its checksum would share a field of the record.
      return { slice, compressed: true, hasCrc32c: true, compressedOffset: inOffset, compressedSize: inSize }
    },
    digests: () => reader.digests(),
  }
}

/** Reads a layer that is a plain tar: its chunks are there as they are. Throws what `input` throws. */
export function openTarLayer(input: AsyncIterable<Uint8Array>): LayerReader {
  const iterator = input[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let piece: Uint8Array = new Uint8Array(0)
  let size = 0
  let tarSize = 0
  let chunkStart = 0
  let ended = false
  return {
    get tarSize() {
      return tarSize
    },
    get size() {
      return size
    },
    zranPoints: undefined,
    async read(max) {
      while (piece.length === 0 && !ended) {
        const next = await iterator.next()
        if (next.done) {
          ended = true
          break
        }
        piece = next.value
        size += piece.length
        hash.update(piece)
      }
      if (piece.length === 0) return undefined
      const taken = piece.subarray(0, max)
      piece = piece.subarray(taken.length)
      tarSize += taken.length
      return taken
    },
    async close() {
      if (!ended) await iterator.return?.()
      ended = true
    },
    beginChunk() {
      chunkStart = tarSize
    },
    endChunk: () => ({
      compressed: false,
      hasCrc32c: true,
      compressedOffset: chunkStart,
      compressedSize: tarSize - chunkStart,
    }),
    digests() {
      const digest = hash.digest('hex')
      return { file: digest, plain: digest }
    },
  }
}
