// SPDX-License-Identifier: Apache-2.0
/** The few tar header fields that bootstrap layers and section trailers need. */
import { FormatError } from '@nydus/base/error'
import { bytesText } from '../byte-text.ts'
import {
  TAR_CHECKSUM,
  TAR_HEADER_BYTES,
  TAR_MAGIC,
  TAR_MAGIC_GNU,
  TAR_NAME,
  TAR_PREFIX,
  TAR_SIZE,
  TAR_TYPE_FLAG,
} from '../layout/tar.ts'

/** Name, size and type of a tar member. */
export interface TarHeader {
  readonly name: string
  /** Bytes of the content. */
  readonly size: number
  /** The type flag's byte; a NUL counts as `TAR_TYPE_REGULAR`. */
  readonly type: number
}

/** Type flag `0`. */
export const TAR_TYPE_REGULAR = 0x30
const SPACE = 0x20

/**
 * Reads a header.
 * @param bytes at least 512; only the first 512 are read.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_CHECKSUM_MISMATCH when this is no tar header,
 *   ERR_FORMAT_OUT_OF_RANGE for a size that is no safe integer.
 */
export function decodeTarHeader(bytes: Uint8Array): TarHeader {
  if (bytes.length < TAR_HEADER_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_TRUNCATED',
      `tar header: ${TAR_HEADER_BYTES} bytes expected, found ${bytes.length}`,
      { details: { expected: TAR_HEADER_BYTES, found: bytes.length } },
    )
  }
  const header = bytes.subarray(0, TAR_HEADER_BYTES)
  const found = parseOctal(field(header, TAR_CHECKSUM))
  const expected = tarChecksum(header)
  if (found !== expected) {
    throw new FormatError(
      'ERR_FORMAT_CHECKSUM_MISMATCH',
      `no tar header: checksum is ${found}, expected ${expected}`,
      { details: { expected, found } },
    )
  }
  const type = header[TAR_TYPE_FLAG] as number
  return {
    name: readName(header),
    size: parseSize(field(header, TAR_SIZE)),
    type: type === 0 ? TAR_TYPE_REGULAR : type,
  }
}

/** Sum of all bytes with the checksum field taken as spaces. */
export function tarChecksum(header: Uint8Array): number {
  let sum = 0
  for (const byte of header) sum += byte
  for (const byte of field(header, TAR_CHECKSUM)) sum += SPACE - byte
  return sum
}

function readName(header: Uint8Array): string {
  const name = bytesText(untilNul(field(header, TAR_NAME)))
  const gnu = bytesText(field(header, TAR_MAGIC).subarray(0, 6)) === TAR_MAGIC_GNU.slice(0, 6)
  const prefix = gnu ? '' : bytesText(untilNul(field(header, TAR_PREFIX)))
  return prefix === '' ? name : `${prefix}/${name}`
}

function parseSize(bytes: Uint8Array): number {
  const first = bytes[0] as number
  let size = 0
  if ((first & 0x80) === 0) size = parseOctal(bytes)
  else for (const [i, byte] of bytes.entries()) size = size * 256 + (i === 0 ? byte & 0x7f : byte)
  if (Number.isSafeInteger(size)) return size
  throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `tar header: size ${size} is not usable`, {
    details: { size },
  })
}

// NaN for a field without any octal digit, so that the checksum test fails on zeros and on garbage.
function parseOctal(bytes: Uint8Array): number {
  const text = bytesText(untilNul(bytes)).trim()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

function field(header: Uint8Array, place: { readonly offset: number; readonly length: number }): Uint8Array {
  return header.subarray(place.offset, place.offset + place.length)
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}
