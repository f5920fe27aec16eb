// SPDX-License-Identifier: Apache-2.0
/** Extended attributes of a tar entry: PAX records `SCHILY.xattr.NAME`. */
import { alignUp } from '@nydus/base/binary'
import type { Xattr } from '@nydus/rafs-format'
import { XATTR_PREFIXES } from '@nydus/rafs-format/layout'
import { nameBytes } from '../tree/byte-name.ts'
import type { PaxRecords } from './pax.ts'
import { badTar, tooLarge, unsupportedEntry } from './tar-error.ts'

const XATTR_KEY = 'SCHILY.xattr.'
/** Linux's XATTR_NAME_MAX. */
const MAX_XATTR_NAME_BYTES = 255
/** The on-disk size of a value is 16 bits wide. */
const MAX_XATTR_VALUE_BYTES = 0xffff
/** All attributes of an inode as stored: its 16-bit count of 4-byte units. */
const MAX_XATTR_AREA_BYTES = 4 * 0xffff + 8
const NO_XATTRS: readonly Xattr[] = []

/**
 * @param offset of the entry's header, for messages.
 * @returns the attributes sorted by name, values copied; a shared empty array when there are none.
 * @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for a name outside the namespaces that EROFS can store,
 *   ERR_BUILD_TOO_LARGE for a name above 255, a value above 65535 or a sum above 262148 bytes.
 */
export function xattrsOfPax(records: PaxRecords, offset: number): readonly Xattr[] {
  const names: string[] = []
  for (const key of records.keys()) {
    if (key.startsWith(XATTR_KEY)) names.push(key.slice(XATTR_KEY.length))
  }
  if (names.length === 0) return NO_XATTRS
  let area = 12
  return names.sort().map((name) => {
    const value = new Uint8Array(records.get(XATTR_KEY + name) as Uint8Array)
    checkXattr(name, value, offset)
    area += alignUp(4 + name.length + value.length, 4)
    if (area > MAX_XATTR_AREA_BYTES) throw tooLarge('xattrs', area, MAX_XATTR_AREA_BYTES, offset)
    return { name: nameBytes(name), value }
  })
}

function checkXattr(name: string, value: Uint8Array, offset: number): void {
  if (name.includes('\0')) throw badTar('NUL byte in the name of an xattr', offset)
  if (name.length > MAX_XATTR_NAME_BYTES)
    throw tooLarge('name of an xattr', name.length, MAX_XATTR_NAME_BYTES, offset)
  if (value.length > MAX_XATTR_VALUE_BYTES) {
    throw tooLarge(`xattr '${name}'`, value.length, MAX_XATTR_VALUE_BYTES, offset)
  }
  const known = XATTR_PREFIXES.some(({ prefix, exact }) =>
    exact ? name === prefix : name.startsWith(prefix) && name.length > prefix.length,
  )
  if (!known)
    throw unsupportedEntry(`xattr '${name}' is in no namespace that an image can hold`, offset, { name })
}
