// SPDX-License-Identifier: Apache-2.0
/** The table of codecs, by RAFS compressor name. */
import { DigestError } from '../error/nydus-error.ts'
import type { Codec, Compressor } from './codec.ts'
import { gzip } from './gzip.ts'
import { lz4Block } from './lz4-block.ts'
import { zstd } from './zstd.ts'

const none: Codec = {
  name: 'none',
  compress: (bytes) => bytes,
  decompress(bytes, maxBytes) {
    if (bytes.length <= maxBytes) return bytes
    throw new DigestError(
      'ERR_DECOMPRESS_TOO_LARGE',
      `${bytes.length} stored bytes where at most ${maxBytes} are allowed`,
    )
  },
}

const CODECS: Readonly<Record<Compressor, Codec>> = { none, lz4_block: lz4Block, gzip, zstd }

/** The codec of a compressor name. */
export function codecOf(compressor: Compressor): Codec {
  return CODECS[compressor]
}

/**
 * Decompresses bytes whose uncompressed size is known exactly, as chunks are.
 * @throws {DigestError} ERR_SIZE_MISMATCH when the result has another size, and what the codec throws.
 */
export function decompressExact(compressor: Compressor, bytes: Uint8Array, size: number): Uint8Array {
  const result = codecOf(compressor).decompress(bytes, size)
  if (result.length === size) return result
  throw new DigestError(
    'ERR_SIZE_MISMATCH',
    `${compressor} data decompresses to ${result.length} bytes, expected ${size}`,
    {
      details: { compressor, expected: size, found: result.length },
    },
  )
}
