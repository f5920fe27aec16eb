// SPDX-License-Identifier: Apache-2.0
/** PAX records: `LENGTH key=value` and a newline. LENGTH counts the whole record, so values may hold any bytes. */
import { byteName } from '../tree/byte-name.ts'
import { badTar } from './tar-error.ts'

/** Records of a PAX header: the value's bytes by key; the last record of a key counts. */
export type PaxRecords = Map<string, Uint8Array>

const SPACE = 0x20
const EQUALS = 0x3d
const NEWLINE = 0x0a

/**
 * @param offset of the header's content in the tar, for messages.
 * @returns the records; values are views into `content`. Keys have one character per byte.
 * @throws {BuildError} ERR_BUILD_BAD_TAR for a malformed record.
 */
export function parsePaxRecords(content: Uint8Array, offset: number): PaxRecords {
  const records: PaxRecords = new Map()
  let start = 0
  while (start < content.length && content[start] !== 0) {
    const space = content.indexOf(SPACE, start)
    const length = space === -1 ? undefined : parseDecimal(content.subarray(start, space))
    const end = start + (length ?? 0)
    if (length === undefined || end > content.length || end <= space + 1 || content[end - 1] !== NEWLINE) {
      throw badTar('malformed length of a PAX record', offset + start)
    }
    const equals = content.indexOf(EQUALS, space + 1)
    if (equals <= space + 1 || equals >= end) throw badTar('PAX record without a key', offset + start)
    records.set(byteName(content.subarray(space + 1, equals)), content.subarray(equals + 1, end - 1))
    start = end
  }
  return records
}

/**
 * A decimal record such as `uid` or `size`.
 * @returns undefined when there is no such record or it is empty, which means "as in the header".
 * @throws {BuildError} ERR_BUILD_BAD_TAR for anything else than a number up to 2^53 − 1.
 */
export function paxNumber(records: PaxRecords, key: string, offset: number): number | undefined {
  const value = records.get(key)
  if (value === undefined || value.length === 0) return undefined
  const number = parseDecimal(value)
  if (number === undefined) throw badTar(`PAX record '${key}' is not a number`, offset, { key })
  return number
}

/**
 * A time record: decimal seconds with an optional sign and fraction, digits beyond nanoseconds dropped.
 * @returns undefined when there is no such record or it is empty.
 * @throws {BuildError} ERR_BUILD_BAD_TAR for anything else.
 */
export function paxTime(
  records: PaxRecords,
  key: string,
  offset: number,
): { mtime: number; mtimeNsec: number } | undefined {
  const value = paxBytes(records, key)
  if (value === undefined) return undefined
  const parts = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(byteName(value))
  if (parts === null) throw badTar(`PAX record '${key}' is not a time`, offset, { key })
  const [, sign, seconds, fraction = ''] = parts
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign === '') return { mtime: Number(seconds), mtimeNsec: nanoseconds }
  // Nanoseconds count forward: -1.5 s is -2 s and 0.5 s.
  if (nanoseconds === 0) return { mtime: 0 - Number(seconds), mtimeNsec: 0 }
  return { mtime: -Number(seconds) - 1, mtimeNsec: 1_000_000_000 - nanoseconds }
}

/** A record that is not empty, as bytes. */
export function paxBytes(records: PaxRecords, key: string): Uint8Array | undefined {
  const value = records.get(key)
  return value === undefined || value.length === 0 ? undefined : value
}

/** Digits only, 1 … 16 of them. */
function parseDecimal(digits: Uint8Array): number | undefined {
  if (digits.length === 0 || digits.length > 16) return undefined
  let value = 0
  for (const byte of digits) {
    const digit = byte - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return Number.isSafeInteger(value) ? value : undefined
}
