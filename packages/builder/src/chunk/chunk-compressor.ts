// SPDX-License-Identifier: Apache-2.0
/** Compression of single chunks, tuned for calling it a million times in one thread. */
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import { codecOf } from '@nydus/base/compress'
import { openZlibHandle } from '../decode/zlib-handle.ts'
import type { ChunkCompressor } from '../layer/build-options.ts'

/** Compresses a chunk. The result is only valid until the next call; undefined when it is not smaller. */
export type CompressChunk = (chunk: Uint8Array) => Uint8Array | undefined

/** The level of the original builder. */
const ZSTD_LEVEL = 3
const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL }

/** A compressor for one thread. */
export function createChunkCompressor(compressor: ChunkCompressor): CompressChunk {
  if (compressor === 'none') return () => undefined
  const compress = compressor === 'zstd' ? createZstd() : codecOf(compressor).compress
  return (chunk) => {
    if (chunk.length === 0) return undefined
    const result = compress(chunk)
    return result.length < chunk.length ? result : undefined
  }
}

/**
 * One zstd frame as libzstd's one-shot call writes it: content size, no checksum. The output must have room for the
 * worst case from the start, else libzstd works in steps and chooses other matches.
 */
export function zstdOneShot(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, {
    pledgedSrcSize: bytes.length,
    chunkSize: Math.max(64, zstdBound(bytes.length)),
    params: ZSTD_PARAMS,
  })
}

/** Most bytes that `size` bytes compress to (`ZSTD_COMPRESSBOUND`). */
function zstdBound(size: number): number {
  const margin = size < 1 << 17 ? ((1 << 17) - size) >>> 11 : 0
  return size + (size >>> 8) + margin
}

/**
 * zstdCompressSync sets up a new context for every call, which costs three times the compression of a small file
 * (34 against 11 µs at 2 KiB). A stream's own handle can be used again and again; where that does not give the same
 * bytes, the public function is used.
 */
function createZstd(): (bytes: Uint8Array) => Uint8Array {
  const reused = reusedZstd()
  return reused !== undefined && givesSameBytes(reused) ? reused : zstdOneShot
}

function reusedZstd(): ((bytes: Uint8Array) => Uint8Array) | undefined {
  const handle = openZlibHandle(createZstdCompress({ params: ZSTD_PARAMS }))
  if (handle === undefined) return undefined
  let output = Buffer.allocUnsafeSlow(1 << 16)
  return (bytes) => {
    const bound = zstdBound(bytes.length)
    if (output.length < bound) output = Buffer.allocUnsafeSlow(bound)
    const { read, written } = handle.step(constants.ZSTD_e_end, bytes, 0, bytes.length, output, 0)
    if (read !== bytes.length) throw new Error(`zstd took ${read} of ${bytes.length} bytes`)
    return output.subarray(0, written)
  }
}

/** Tries sizes on both sides of libzstd's parameter steps, twice, so that a used context is compared as well. */
function givesSameBytes(compress: (bytes: Uint8Array) => Uint8Array): boolean {
  const words = new Uint32Array(75_000)
  for (let i = 0, x = 1; i < words.length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    words[i] = x & 0x10000 ? x : x & 0x0303_0303
  }
  const sample = new Uint8Array(words.buffer)
  try {
    return [300_000, 20, 5_000, 200_000, 5_000].every((size) => {
      const bytes = sample.subarray(0, size)
      return Buffer.compare(compress(bytes), zstdOneShot(bytes)) === 0
    })
  } catch {
    return false
  }
}
