// SPDX-License-Identifier: Apache-2.0
/** The 512-byte tar header that follows (not precedes) a section of a layer blob. */
import { FormatError } from '@nydus/base/error'
import { asciiBytes } from '../byte-text.ts'
import {
  TAR_CHECKSUM,
  TAR_HEADER_BYTES,
  TAR_MAGIC,
  TAR_MAGIC_GNU,
  TAR_MTIME,
  TAR_NAME,
  TAR_SIZE,
  TAR_TYPE_FLAG,
} from '../layout/tar.ts'
import { decodeTarHeader, TAR_TYPE_REGULAR, tarChecksum } from './tar-header.ts'

/** Name and size of the section before a trailer. */
export interface TarTrailer {
  readonly name: string
  /** Bytes of the section as stored. */
  readonly size: number
}

/** Sizes from here on do not fit eleven octal digits and are written in base 256. */
const OCTAL_LIMIT = 8 ** 11

/**
 * The trailer of a section, bit for bit what the original writes: mode and owner fields are all zero bytes.
 * @param name ASCII, 1 … 100 characters.
 * @param size bytes of the section as stored.
 */
export function encodeTarTrailer(name: string, size: number): Uint8Array {
  if (name.length === 0 || name.length > TAR_NAME.length) {
    throw new RangeError(`section name of ${name.length} characters`)
  }
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`section size ${size}`)
  const header = new Uint8Array(TAR_HEADER_BYTES)
  header.set(asciiBytes(name), TAR_NAME.offset)
  header.set(encodeSize(size), TAR_SIZE.offset)
  header.set(asciiBytes('00000000000\0'), TAR_MTIME.offset)
  header[TAR_TYPE_FLAG] = TAR_TYPE_REGULAR
  header.set(asciiBytes(TAR_MAGIC_GNU), TAR_MAGIC.offset)
  header.set(asciiBytes(`${octal(tarChecksum(header), 7)}\0`), TAR_CHECKSUM.offset)
  return header
}

/**
 * Reads a trailer.
 * @param bytes at least 512; only the first 512 are read.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_CHECKSUM_MISMATCH when this is no tar header,
 *   ERR_FORMAT_CORRUPT when it is not one of a regular file.
 */
export function decodeTarTrailer(bytes: Uint8Array): TarTrailer {
  const { name, size, type } = decodeTarHeader(bytes)
  if (type === TAR_TYPE_REGULAR) return { name, size }
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `tar trailer of type 0x${type.toString(16)}, a regular file expected`,
    { details: { type } },
  )
}

function encodeSize(size: number): Uint8Array {
  if (size < OCTAL_LIMIT) return asciiBytes(`${octal(size, 11)}\0`)
  const bytes = new Uint8Array(TAR_SIZE.length)
  for (let i = TAR_SIZE.length - 1, rest = size; i > 0; i--, rest = Math.floor(rest / 256))
    bytes[i] = rest % 256
  bytes[0] = 0x80
  return bytes
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
