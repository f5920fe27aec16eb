// SPDX-License-Identifier: Apache-2.0
/**
 * Directory data, as the kernel's EROFS defines it.
 *
 *   block = dirent 0 · … · dirent n−1 · name 0 · … · name n−1 · zeros to the block's end
 *
 * Entries, `.` and `..` included, are sorted by the bytes of their names over the whole directory. Names have no
 * terminator: a name ends where the next begins, the last one at a NUL or at the end of the data.
 * Picture and rules: https://docs.kernel.org/filesystems/erofs.html#directories
 */
import { compareBytes } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { bytesText } from '../byte-text.ts'
import { Dirent } from '../layout/erofs.ts'

/** Longest file name in bytes. */
export const MAX_NAME_BYTES = 255

/** What a dirent says. */
export interface DirentValue {
  /** File name, 1 … 255 bytes. */
  readonly name: Uint8Array
  readonly nid: number
  /** DIRENT_TYPE. */
  readonly fileType: number
}

/**
 * `i_size` of a directory: whole blocks and the bytes used in the last one.
 * @param names sorted bytewise, `.` and `..` included.
 * @param blockSize bytes.
 */
export function direntsSize(names: readonly { readonly length: number }[], blockSize: number): number {
  let full = 0
  let used = 0
  for (const name of names) {
    const cost = Dirent.size + name.length
    if (used + cost > blockSize) {
      full += blockSize
      used = 0
    }
    used += cost
  }
  return full + used
}

/**
 * Directory data of `direntsSize` bytes.
 * @param entries sorted bytewise by name, `.` and `..` included.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE for a name that cannot be stored, ERR_FORMAT_CORRUPT when names are not
 *   strictly ascending.
 */
export function encodeDirents(entries: readonly DirentValue[], blockSize: number): Uint8Array {
  checkNames(entries, blockSize)
  const names = entries.map((entry) => entry.name)
  const out = new Uint8Array(direntsSize(names, blockSize))
  let blockStart = 0
  for (let first = 0; first < entries.length; ) {
    const count = entriesThatFit(names, first, blockSize)
    encodeBlock(out, blockStart, entries.slice(first, first + count))
    first += count
    blockStart += blockSize
  }
  return out
}

function encodeBlock(out: Uint8Array, blockStart: number, entries: readonly DirentValue[]): void {
  let nameOffset = entries.length * Dirent.size
  entries.forEach(({ name, nid, fileType }, i) => {
    Dirent.encodeInto(out, blockStart + i * Dirent.size, { nid, nameOffset, fileType })
    out.set(name, blockStart + nameOffset)
    nameOffset += name.length
  })
}

function entriesThatFit(names: readonly Uint8Array[], first: number, blockSize: number): number {
  let used = 0
  let count = 0
  for (; first + count < names.length; count++) {
    used += Dirent.size + (names[first + count] as Uint8Array).length
    if (used > blockSize) break
  }
  return count
}

function checkNames(entries: readonly DirentValue[], blockSize: number): void {
  const longest = Math.min(MAX_NAME_BYTES, blockSize - Dirent.size)
  let previous: Uint8Array | undefined
  for (const { name } of entries) {
    if (name.length === 0 || name.length > longest) {
      throw new FormatError(
        'ERR_FORMAT_OUT_OF_RANGE',
        `name ${bytesText(name)} has ${name.length} bytes, 1 to ${longest} can be stored`,
        { details: { length: name.length, limit: longest } },
      )
    }
    if (previous && compareBytes(previous, name) >= 0) {
      throw new FormatError(
        'ERR_FORMAT_CORRUPT',
        `directory entries are not in ascending order: ${bytesText(previous)} before ${bytesText(name)}`,
      )
    }
    previous = name
  }
}
