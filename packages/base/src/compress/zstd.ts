// SPDX-License-Identifier: Apache-2.0
/** zstd by node:zlib (libzstd inside Node ≥ 22.15). */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Codec } from './codec.ts'
import { decompressFailure, withinCap } from './failure.ts'

/** The level the original builder uses. */
const ZSTD_LEVEL = 3
/** The largest RAFS chunk and one byte: it decompresses in one step, more does not allocate its whole cap at once. */
const MAX_CHUNK_BYTES = (16 << 20) + 1

export const zstd: Codec = {
  name: 'zstd',
  // One frame, content size present, no checksum: what the original's one-shot call writes.
  compress: (bytes) =>
    zstdCompressSync(bytes, {
      pledgedSrcSize: bytes.length,
      params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    }),
  decompress(bytes, maxBytes) {
    let result: Uint8Array
    try {
      result = zstdDecompressSync(bytes, {
        maxOutputLength: Math.max(1, maxBytes),
        chunkSize: Math.max(64, Math.min(MAX_CHUNK_BYTES, maxBytes + 1)),
      })
    } catch (cause) {
      throw decompressFailure('zstd', cause, maxBytes)
    }
    return withinCap('zstd', result, maxBytes)
  },
}
