// SPDX-License-Identifier: Apache-2.0
/** Decoding of one gzip member out of bytes that go on behind it: chunks of legacy stargz blobs. */
import { inflateRawSync } from 'node:zlib'
import { gzipHeaderSize, ZLIB_CHUNK_BYTES } from '@nydus/base/compress'
import { DigestError } from '@nydus/base/error'

/**
 * The first `size` bytes of the member at the start of `stored`, which must have exactly that many.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED, ERR_DECOMPRESS_TOO_LARGE, ERR_SIZE_MISMATCH.
 */
export function decodeGzipMember(stored: Uint8Array, size: number): Uint8Array {
  const header = gzipHeaderSize(stored)
  if (header === undefined) throw new DigestError('ERR_DECOMPRESS_FAILED', 'gzip member ends in its header')
  const deflated = stored.subarray(header)
  let bytes: Uint8Array
  try {
    bytes = inflateRawSync(deflated, {
      maxOutputLength: Math.max(1, size),
      chunkSize: Math.min(ZLIB_CHUNK_BYTES, size + 64),
    })
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
    if (!tooLarge) throw new DigestError('ERR_DECOMPRESS_FAILED', 'damaged gzip member', { cause })
    throw new DigestError('ERR_DECOMPRESS_TOO_LARGE', `gzip member of more than ${size} bytes`, { cause })
  }
  if (bytes.length === size) return bytes
  throw new DigestError('ERR_SIZE_MISMATCH', `gzip member has ${bytes.length} bytes, expected ${size}`, {
    details: { expected: size, found: bytes.length },
  })
}
