// SPDX-License-Identifier: Apache-2.0
/**
 * Inline extended attributes: they follow the inode.
 *
 *   ibody header (12) · entry: name length u8 · prefix index u8 · value size u16 · suffix · value · zero pad to 4
 */
import { alignUp, ByteReader, compareBytes } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { asciiBytes, bytesText } from './byte-text.ts'
import { XATTR_PREFIXES, XattrEntry, XattrIbodyHeader } from './layout/erofs.ts'

/** One extended attribute. */
export interface Xattr {
  /** Full name with its prefix, e.g. `user.mime_type`; raw bytes, not always UTF-8. */
  readonly name: Uint8Array
  readonly value: Uint8Array
}

/** Longest name after its prefix, in bytes. */
const MAX_SUFFIX_BYTES = 255
/** Longest value, in bytes. */
const MAX_VALUE_BYTES = 0xffff
/** `xattrCount` of an inode is a u16 that counts 4-byte units. */
const MAX_XATTR_BYTES = XattrIbodyHeader.size + (0xffff - 1) * 4

const PREFIXES = XATTR_PREFIXES.map(({ index, prefix, exact }) => ({
  index,
  exact,
  bytes: asciiBytes(prefix),
}))

/** Where xattrs end on disk: the header and its entries, 0 when there are none. Throws like `encodeXattrs`. */
export function xattrsSize(xattrs: readonly Xattr[]): number {
  if (xattrs.length === 0) return 0
  let size = XattrIbodyHeader.size
  for (const { name, value } of xattrs) size += entrySize(splitName(name).suffix.length, value.length)
  return size
}

/**
 * The inode's `xattrCount` field.
 * @param size what `xattrsSize` returned, in bytes.
 */
export function xattrCountField(size: number): number {
  return size === 0 ? 0 : (size - XattrIbodyHeader.size) / 4 + 1
}

/** Bytes of the xattr area that an inode's `xattrCount` field announces. */
export function xattrAreaSize(xattrCount: number): number {
  return xattrCount === 0 ? 0 : XattrIbodyHeader.size + (xattrCount - 1) * 4
}

/**
 * The xattr area of one inode: header and entries in the given order; no xattrs give no bytes.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE for a name without a known prefix, ERR_FORMAT_OUT_OF_RANGE for a
 *   name, value or area that is too long.
 */
export function encodeXattrs(xattrs: readonly Xattr[]): Uint8Array {
  const size = xattrsSize(xattrs)
  if (size > MAX_XATTR_BYTES) throw tooLong('xattrs of one inode', size, MAX_XATTR_BYTES)
  const area = new Uint8Array(size)
  let at: number = XattrIbodyHeader.size
  for (const { name, value } of xattrs) {
    const { index, suffix } = splitName(name)
    if (suffix.length > MAX_SUFFIX_BYTES)
      throw tooLong(`xattr name ${bytesText(name)}`, suffix.length, MAX_SUFFIX_BYTES)
    if (value.length > MAX_VALUE_BYTES)
      throw tooLong(`xattr ${bytesText(name)}`, value.length, MAX_VALUE_BYTES)
    XattrEntry.encodeInto(area, at, { nameLength: suffix.length, nameIndex: index, valueSize: value.length })
    area.set(suffix, at + XattrEntry.size)
    area.set(value, at + XattrEntry.size + suffix.length)
    at += entrySize(suffix.length, value.length)
  }
  return area
}

/**
 * Reads an xattr area in disk order. Values are views into `area`, names are new.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED when an entry crosses the end, ERR_FORMAT_UNSUPPORTED_FEATURE for shared
 *   xattrs and unknown prefixes.
 */
export function decodeXattrs(area: Uint8Array): readonly Xattr[] {
  if (area.length === 0) return []
  const header = XattrIbodyHeader.view(area)
  if (header.sharedCount !== 0) {
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
      `${header.sharedCount} shared xattrs, RAFS has none`,
      {
        details: { sharedCount: header.sharedCount },
      },
    )
  }
  const reader = new ByteReader(area, 'xattrs')
  reader.skip(XattrIbodyHeader.size)
  const xattrs: Xattr[] = []
  while (reader.remaining > 0) {
    const suffixLength = reader.u8()
    const prefix = prefixBytes(reader.u8())
    const valueSize = reader.u16()
    const name = joinName(prefix, reader.bytes(suffixLength))
    xattrs.push({ name, value: reader.bytes(valueSize) })
    reader.align(4)
  }
  return xattrs
}

/** Tells whether RAFS can store an xattr of this name. */
export function isSupportedXattr(name: Uint8Array): boolean {
  return findPrefix(name) !== undefined
}

/** Sorts by name, which makes output deterministic; returns a new array. */
export function sortXattrs(xattrs: readonly Xattr[]): readonly Xattr[] {
  return [...xattrs].sort((a, b) => compareBytes(a.name, b.name))
}

function entrySize(suffixLength: number, valueLength: number): number {
  return alignUp(XattrEntry.size + suffixLength + valueLength, 4)
}

function findPrefix(name: Uint8Array): (typeof PREFIXES)[number] | undefined {
  return PREFIXES.find(
    ({ bytes, exact }) =>
      (exact ? name.length === bytes.length : name.length > bytes.length) &&
      bytes.every((byte, i) => name[i] === byte),
  )
}

function splitName(name: Uint8Array): { index: number; suffix: Uint8Array } {
  const prefix = findPrefix(name)
  if (prefix) return { index: prefix.index, suffix: name.subarray(prefix.bytes.length) }
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `xattr ${bytesText(name)} has no prefix that RAFS can store`,
    {
      details: { name: bytesText(name) },
    },
  )
}

function prefixBytes(index: number): Uint8Array {
  const prefix = PREFIXES.find((candidate) => candidate.index === index)
  if (prefix) return prefix.bytes
  throw new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', `unknown xattr prefix ${index}`, {
    details: { index },
  })
}

function joinName(prefix: Uint8Array, suffix: Uint8Array): Uint8Array {
  const name = new Uint8Array(prefix.length + suffix.length)
  name.set(prefix)
  name.set(suffix, prefix.length)
  return name
}

function tooLong(what: string, found: number, limit: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `${what}: ${found} bytes, at most ${limit} can be stored`,
    {
      details: { found, limit },
    },
  )
}
