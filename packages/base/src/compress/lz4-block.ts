// SPDX-License-Identifier: Apache-2.0
/** LZ4 block format without size prefix or frame: the native binding where it loads, else our portable codec. */
import { createRequire } from 'node:module'
import { DigestError } from '../error/nydus-error.ts'
import type { Codec } from './codec.ts'
import { decompressFailure } from './failure.ts'
import { compressLz4Portable, decompressLz4Portable } from './lz4-portable.ts'

// lz4-napi puts the uncompressed size, u32 little-endian, before the block; RAFS does not store it.
const SIZE_PREFIX_BYTES = 4

interface NativeLz4 {
  compressSync(bytes: Uint8Array): Uint8Array
  uncompressSync(bytes: Uint8Array): Uint8Array
}

function loadNative(): NativeLz4 | undefined {
  try {
    return createRequire(import.meta.url)('lz4-napi') as NativeLz4
  } catch {
    return undefined
  }
}
const native = loadNative()

export const lz4Block: Codec = {
  name: 'lz4_block',
  compress(bytes) {
    if (!native) return compressLz4Portable(bytes)
    return native
      .compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      .subarray(SIZE_PREFIX_BYTES)
  },
  decompress(bytes, maxBytes) {
    try {
      if (!native) return decompressLz4Portable(bytes, maxBytes)
      const prefixed = Buffer.allocUnsafe(SIZE_PREFIX_BYTES + bytes.length)
      prefixed.writeUInt32LE(maxBytes, 0)
      prefixed.set(bytes, SIZE_PREFIX_BYTES)
      return native.uncompressSync(prefixed)
    } catch (cause) {
      throw cause instanceof DigestError ? cause : decompressFailure('lz4_block', cause, maxBytes)
    }
  },
}
