// SPDX-License-Identifier: Apache-2.0
/** Header blocks for tars that we write: plain ustar, owner 0:0, time 0. */
import { TAR_TYPE, TarHeader, USTAR_MAGIC } from './layout.ts'

/** A member to write. */
export interface UstarMember {
  /** ASCII, at most 100 characters. */
  readonly path: string
  readonly type: 'file' | 'directory'
  /** The 12 permission bits. */
  readonly mode: number
  /** Bytes of content, below 8 GiB. */
  readonly size: number
}

const SPACE = 0x20

/**
 * The 512 bytes before a member's content.
 * @throws {RangeError} for a path or size that ustar cannot hold.
 */
export function encodeUstarHeader(member: UstarMember): Uint8Array {
  const { path, type, mode, size } = member
  if (path.length > 100) throw new RangeError(`path of ${path.length} characters does not fit a ustar header`)
  const header = TarHeader.encode({
    name: ascii(path),
    mode: octal(mode, 7),
    uid: octal(0, 7),
    gid: octal(0, 7),
    size: octal(size, 11),
    mtime: octal(0, 11),
    type: (type === 'file' ? TAR_TYPE.FILE : TAR_TYPE.DIRECTORY).charCodeAt(0),
    magic: ascii(USTAR_MAGIC),
    deviceMajor: octal(0, 7),
    deviceMinor: octal(0, 7),
  })
  // Six digits, NUL, space: the oldest form of the checksum, which every reader takes.
  const field = header.subarray(TarHeader.offsets.checksum, TarHeader.offsets.type).fill(SPACE)
  const sum = header.reduce((total, byte) => total + byte, 0)
  field.set(octal(sum, 6))
  return header
}

function octal(value: number, digits: number): Uint8Array {
  const text = value.toString(8).padStart(digits, '0')
  if (text.length > digits) throw new RangeError(`${value} does not fit ${digits} octal digits`)
  return ascii(`${text}\0`)
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
