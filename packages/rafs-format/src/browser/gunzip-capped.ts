// SPDX-License-Identifier: Apache-2.0
/** gunzip for browsers by fflate, with a cap on the output. */
import { DigestError } from '@nydus/base/error'
import { Gunzip } from 'fflate'

/** Compressed bytes given to the decoder at once: bounds what it can produce beyond the cap (1032 times as much). */
const STEP_BYTES = 1 << 14
/** Header, an empty block, trailer. */
const SMALLEST_FILE_BYTES = 20

/**
 * Decompresses a gzip file of one or more members. Its end must announce the size of the last member, so a cut file is
 * noticed; the CRC-32 inside is not verified.
 * @param maxBytes cap of the result, in bytes.
 * @throws {DigestError} ERR_DECOMPRESS_TOO_LARGE past the cap, ERR_DECOMPRESS_FAILED for damaged data.
 */
export function gunzipCapped(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const parts: Uint8Array[] = []
  let size = 0
  let memberStart = 0
  const gunzip = new Gunzip((part) => {
    size += part.length
    if (size > maxBytes) {
      throw new DigestError(
        'ERR_DECOMPRESS_TOO_LARGE',
        `gzip data decompresses to more than ${maxBytes} bytes`,
        {
          details: { maxBytes },
        },
      )
    }
    parts.push(part)
  })
  gunzip.onmember = () => {
    memberStart = size
  }
  try {
    for (let at = 0; at < bytes.length; at += STEP_BYTES) {
      gunzip.push(bytes.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= bytes.length)
    }
  } catch (cause) {
    throw cause instanceof DigestError
      ? cause
      : new DigestError('ERR_DECOMPRESS_FAILED', 'damaged gzip data', { cause })
  }
  if (announcedSize(bytes) !== (size - memberStart) % 2 ** 32) {
    throw new DigestError(
      'ERR_DECOMPRESS_FAILED',
      `gzip data of ${bytes.length} bytes ends after ${size} bytes, its trailer says otherwise`,
      {
        details: { size },
      },
    )
  }
  return join(parts, size)
}

/** The last four bytes of a gzip file; −1 when it is too short to be one. */
function announcedSize(bytes: Uint8Array): number {
  if (bytes.length < SMALLEST_FILE_BYTES) return -1
  return new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true)
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
