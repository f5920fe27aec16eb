// SPDX-License-Identifier: Apache-2.0
/**
 * Tar headers, as far as archives of images need them: names, sizes, links. Attributes of files do not matter here.
 *
 *   0 name[100] · 100 mode[8] · 108 uid[8] · 116 gid[8] · 124 size[12] · 136 mtime[12] · 148 checksum[8] · 156 type
 *   157 linkname[100] · 257 "ustar\0" "00" · 265 uname[32] · 297 gname[32] · 329 devmajor[8] · 337 devminor[8] · 345 prefix[155]
 */
import { FormatError } from '@nydus/base/error'

/** Bytes of a header, and the unit of everything in a tar. */
export const TAR_BLOCK_BYTES = 512

const NAME = { offset: 0, length: 100 } as const
const MODE = { offset: 100, length: 8 } as const
const UID = { offset: 108, length: 8 } as const
const GID = { offset: 116, length: 8 } as const
const SIZE = { offset: 124, length: 12 } as const
const MTIME = { offset: 136, length: 12 } as const
const CHECKSUM = { offset: 148, length: 8 } as const
const TYPE_OFFSET = 156
const LINK_NAME = { offset: 157, length: 100 } as const
const MAGIC = { offset: 257, length: 8 } as const
const PREFIX = { offset: 345, length: 155 } as const
/** POSIX's magic and version; GNU writes `ustar  \0` and uses the prefix's place for something else. */
const USTAR = 'ustar\u000000'

/** The members of a header that matter here. */
export interface TarHeader {
  readonly name: string
  /** One character, e.g. `0` file, `5` directory, `2` symlink, `1` hard link, `x` and `g` PAX, `L` and `K` GNU long names. */
  readonly type: string
  /** Bytes of content. */
  readonly size: number
  readonly linkName: string
}

/** Decodes a header; undefined for a block of zeros, which ends an archive. @param what archive and offset, for messages. */
export function decodeTarHeader(block: Uint8Array, what: string): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const stated = number(block, CHECKSUM)
  if (stated !== checksum(block)) {
    throw new FormatError('ERR_FORMAT_CORRUPT', `${what}: no tar header, its checksum is wrong`, {
      details: { what },
    })
  }
  const size = number(block, SIZE)
  if (size === undefined)
    throw new FormatError('ERR_FORMAT_CORRUPT', `${what}: bad size in a tar header`, { details: { what } })
  const prefix = latin1(block, MAGIC) === USTAR ? text(block, PREFIX) : ''
  const name = text(block, NAME)
  const type = String.fromCharCode(block[TYPE_OFFSET] || 0x30)
  return { name: prefix === '' ? name : `${prefix}/${name}`, type, size, linkName: text(block, LINK_NAME) }
}

/** Encodes a header with fixed owner and time, so that equal content makes equal archives. @param name at most 100 bytes. */
export function encodeTarHeader(name: string, size: number, type: '0' | '5'): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK_BYTES)
  const bytes = new TextEncoder().encode(name)
  if (bytes.length > NAME.length) throw new RangeError(`member name of ${bytes.length} bytes`)
  block.set(bytes, NAME.offset)
  putOctal(block, MODE, type === '5' ? 0o755 : 0o644)
  putOctal(block, UID, 0)
  putOctal(block, GID, 0)
  if (size < 8 ** 11) putOctal(block, SIZE, size)
  else putBase256(block, SIZE, size)
  putOctal(block, MTIME, 0)
  block[TYPE_OFFSET] = type.charCodeAt(0)
  putText(block, MAGIC.offset, USTAR)
  putText(block, CHECKSUM.offset, `${checksum(block).toString(8).padStart(6, '0')}\u0000 `)
  return block
}

/** The records of a PAX header: names to values. Length fields that do not fit end the list. */
export function parsePaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(latin1(bytes, { offset: at, length: space - at }))
    if (!Number.isSafeInteger(length) || length <= space - at + 1 || at + length > bytes.length) break
    const record = new TextDecoder().decode(bytes.subarray(space + 1, at + length - 1))
    const equals = record.indexOf('=')
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return records
}

interface FieldPlace {
  readonly offset: number
  readonly length: number
}

/** Octal text, or base-256 when the first bit is set; undefined for anything else. */
function number(block: Uint8Array, field: FieldPlace): number | undefined {
  const bytes = block.subarray(field.offset, field.offset + field.length)
  if (((bytes[0] ?? 0) & 0x80) !== 0) {
    const value = bytes.reduce((sum, byte, position) => sum * 256 + (position === 0 ? byte & 0x7f : byte), 0)
    return Number.isSafeInteger(value) ? value : undefined
  }
  const digits = /^[ ]*([0-7]*)[ \0]*$/.exec(latin1(block, field))?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits || '0', 8)
}

function checksum(block: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < TAR_BLOCK_BYTES; at++) {
    const own = at >= CHECKSUM.offset && at < CHECKSUM.offset + CHECKSUM.length
    sum += own ? 0x20 : (block[at] ?? 0)
  }
  return sum
}

function text(block: Uint8Array, field: FieldPlace): string {
  const bytes = block.subarray(field.offset, field.offset + field.length)
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}

function latin1(block: Uint8Array, field: FieldPlace): string {
  return String.fromCharCode(...block.subarray(field.offset, field.offset + field.length))
}

function putText(block: Uint8Array, offset: number, value: string): void {
  for (let at = 0; at < value.length; at++) block[offset + at] = value.charCodeAt(at)
}

function putOctal(block: Uint8Array, field: FieldPlace, value: number): void {
  putText(block, field.offset, value.toString(8).padStart(field.length - 1, '0'))
}

function putBase256(block: Uint8Array, field: FieldPlace, value: number): void {
  let rest = value
  for (let at = field.offset + field.length - 1; at > field.offset; at--) {
    block[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  block[field.offset] = 0x80
}
