// SPDX-License-Identifier: Apache-2.0
/** Layer bytes as stored → plain tar bytes: gzip, zstd or nothing, told apart by their first bytes. */
import { once } from 'node:events'
import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ZLIB_CHUNK_BYTES } from '@nydus/base/compress'
import { DigestError, FormatError, isNydusError } from '@nydus/base/error'
import { splitZstdFrames } from './zstd-frames.ts'

/** How a layer is stored. */
export type LayerCompression = 'gzip' | 'zstd' | 'none'

/** How a layer is decoded. */
export interface DecodeLayerOptions {
  /** Plain bytes to accept, default MAX_LAYER_BYTES. */
  readonly maxBytes?: number
}

/** The largest blob that RAFS can address. */
export const MAX_LAYER_BYTES = 2 ** 44
/** Decoded bytes that zlib may be ahead of the consumer. */
const READ_AHEAD_BYTES = 4 << 20
/** Longest magic, bytes. */
const MAGIC_BYTES = 6

const SIGNATURES: readonly { readonly name: string; readonly bytes: readonly number[] }[] = [
  { name: 'gzip', bytes: [0x1f, 0x8b] },
  { name: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  { name: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
]
/** Skippable zstd frames, magic `5x 2a 4d 18`, may come first. */
const SKIPPABLE_MAGIC_TAIL = [0x2a, 0x4d, 0x18] as const

/**
 * Names the compression of a layer from its first bytes (at least 6, or all there are).
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_COMPRESSION for bzip2 and xz.
 */
export function detectCompression(head: Uint8Array): LayerCompression {
  const found = SIGNATURES.find(({ bytes }) => bytes.every((byte, i) => head[i] === byte))?.name
  if (found === undefined) return isSkippableFrame(head) ? 'zstd' : 'none'
  if (found === 'gzip' || found === 'zstd') return found
  throw new FormatError('ERR_FORMAT_UNSUPPORTED_COMPRESSION', `the layer is compressed with ${found}`, {
    details: { found },
    hint: 'layers may be plain tar, gzip or zstd; recompress this one',
  })
}

function isSkippableFrame(head: Uint8Array): boolean {
  return (head[0] ?? 0) >> 4 === 5 && SKIPPABLE_MAGIC_TAIL.every((byte, i) => head[i + 1] === byte)
}

/**
 * Decodes a layer: gzip with any number of members and zero padding behind them, zstd with any number of frames,
 * or plain bytes. Decompression runs on Node's thread pool. `stream` is always read to its end, so that a digest
 * check at its end is seen. The pieces belong to the consumer.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED for damaged or cut data, ERR_DECOMPRESS_TOO_LARGE past `maxBytes`;
 *   {FormatError} ERR_FORMAT_UNSUPPORTED_COMPRESSION; and whatever `stream` throws.
 */
export async function* decodeLayer(
  stream: AsyncIterable<Uint8Array>,
  options: DecodeLayerOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, rest } = await peekStream(stream, MAGIC_BYTES)
  const compression = detectCompression(head)
  const maxBytes = options.maxBytes ?? MAX_LAYER_BYTES
  let size = 0
  for await (const bytes of decodeStream(compression, rest)) {
    size += bytes.length
    if (size > maxBytes) throw layerTooLarge(maxBytes)
    yield bytes
  }
}

/** The error for a layer whose plain bytes pass a limit. */
export function layerTooLarge(maxBytes: number): DigestError {
  return new DigestError('ERR_DECOMPRESS_TOO_LARGE', `the layer decodes to more than ${maxBytes} bytes`, {
    details: { maxBytes },
  })
}

/** Decodes a stream of known compression on Node's thread pool, as `decodeLayer`. */
export function decodeStream(
  compression: LayerCompression,
  source: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const options = { chunkSize: ZLIB_CHUNK_BYTES, highWaterMark: READ_AHEAD_BYTES }
  if (compression === 'gzip') return through(createGunzip(options), source, 'gzip')
  // Node's decoder drops a frame that starts in the middle of a write: give it one frame at a time.
  if (compression === 'zstd') return through(createZstdDecompress(options), splitZstdFrames(source), 'zstd')
  return source
}

/** The first `length` or more bytes of `stream` (less when it is shorter), and all of it again. */
export async function peekStream(
  stream: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> }> {
  const iterator = stream[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  for (let size = 0; size < length; ) {
    const next = await iterator.next()
    if (next.done) break
    size += next.value.length
    // A copy of what the stream may overwrite.
    pieces.push(size < length ? Buffer.from(next.value) : next.value)
  }
  const head = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  async function* rest(): AsyncGenerator<Uint8Array, void, undefined> {
    if (head.length > 0) yield head
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head, rest: rest() }
}

async function* through(
  codec: Transform,
  source: AsyncIterable<Uint8Array>,
  name: LayerCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fed = feed(codec, source)
  try {
    for await (const bytes of codec) yield bytes as Uint8Array
    // The codec may see its end before the source does.
    const failure = await fed
    if (failure !== undefined) throw failure.cause
  } catch (cause) {
    throw isZlibError(cause) ? damaged(name, cause) : cause
  } finally {
    codec.destroy()
  }
}

/** Writes `source` into `codec`; a failure of the source destroys the codec with it, and is returned. */
async function feed(
  codec: Transform,
  source: AsyncIterable<Uint8Array>,
): Promise<{ cause: unknown } | undefined> {
  try {
    for await (const bytes of source) {
      if (codec.destroyed) return undefined
      // A copy: the codec keeps what it was given, and the source may use the memory again.
      if (bytes.length > 0 && !codec.write(Buffer.from(bytes))) await drained(codec)
    }
    if (!codec.destroyed) codec.end()
    return undefined
  } catch (cause) {
    codec.destroy(cause instanceof Error ? cause : new Error(String(cause)))
    return { cause }
  }
}

async function drained(codec: Transform): Promise<void> {
  if (codec.destroyed) return
  const settled = new AbortController()
  const options = { signal: settled.signal }
  try {
    await Promise.race([once(codec, 'drain', options), once(codec, 'close', options)])
  } catch {
    // The error reaches the reader of the codec.
  } finally {
    settled.abort()
  }
}

function isZlibError(cause: unknown): cause is Error {
  if (!(cause instanceof Error) || isNydusError(cause) || !('code' in cause)) return false
  return typeof cause.code === 'string' && /^(Z_|ZSTD_)/.test(cause.code)
}

function damaged(name: LayerCompression, cause: Error & { code?: unknown }): DigestError {
  const truncated = cause.code === 'Z_BUF_ERROR'
  return new DigestError('ERR_DECOMPRESS_FAILED', `${truncated ? 'truncated' : 'damaged'} ${name} layer`, {
    cause,
    details: { compression: name, truncated },
  })
}
