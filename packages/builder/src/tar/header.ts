// SPDX-License-Identifier: Apache-2.0
import { GNU_MAGIC, TarHeader, USTAR_MAGIC } from './layout.ts'
import { parseNumberField } from './number-field.ts'
import { badTar } from './tar-error.ts'

/** A header block, numbers parsed; `undefined` where a field is no number. */
export interface Header {
  /** One character, see TAR_TYPE. */
  readonly type: string
  /** With the ustar prefix in front: a new array. */
  readonly name: Uint8Array
  readonly linkName: Uint8Array
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly size: number | undefined
  readonly mtime: number | undefined
  readonly deviceMajor: number | undefined
  readonly deviceMinor: number | undefined
  /** Bytes before the block in the tar. */
  readonly offset: number
  /** The block itself: a view of the source's piece. */
  readonly block: Uint8Array
}

const AT = TarHeader.offsets
const CHECKSUM_START = AT.checksum
const CHECKSUM_END = AT.type
const EMPTY = new Uint8Array(0)

/** Tells whether a block has only zero bytes, as the two at the end of an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false
  return true
}

/**
 * @returns the header; only its `block` refers to `block`.
 * @throws {BuildError} ERR_BUILD_BAD_TAR when the checksum does not match.
 */
export function decodeHeader(block: Uint8Array, offset: number): Header {
  checkChecksum(block, parseNumberField(block, CHECKSUM_START, CHECKSUM_END), offset)
  const isUstar = hasMagic(block, USTAR_MAGIC)
  const hasDevices = isUstar || hasMagic(block, GNU_MAGIC)
  return {
    type: String.fromCharCode(block[AT.type] as number),
    name: joinPrefix(
      isUstar ? textField(block, AT.prefix, AT.reserved0) : EMPTY,
      textField(block, AT.name, AT.mode),
    ),
    linkName: block[AT.linkName] === 0 ? EMPTY : new Uint8Array(textField(block, AT.linkName, AT.magic)),
    mode: parseNumberField(block, AT.mode, AT.uid),
    uid: parseNumberField(block, AT.uid, AT.gid),
    gid: parseNumberField(block, AT.gid, AT.size),
    size: parseNumberField(block, AT.size, AT.mtime),
    mtime: parseNumberField(block, AT.mtime, AT.checksum),
    deviceMajor: hasDevices ? parseNumberField(block, AT.deviceMajor, AT.deviceMinor) : 0,
    deviceMinor: hasDevices ? parseNumberField(block, AT.deviceMinor, AT.prefix) : 0,
    offset,
    block,
  }
}

function hasMagic(block: Uint8Array, magic: string): boolean {
  for (let i = 0; i < magic.length; i++) if (block[AT.magic + i] !== magic.charCodeAt(i)) return false
  return true
}

/** The text at `[start, end)`, up to the first NUL: a view. */
function textField(block: Uint8Array, start: number, end: number): Uint8Array {
  let at = start
  while (at < end && block[at] !== 0) at += 1
  return at === start ? EMPTY : block.subarray(start, at)
}

/** `bytes` up to the first NUL: a view. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}

function joinPrefix(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  if (prefix.length === 0) return new Uint8Array(name)
  const joined = new Uint8Array(prefix.length + 1 + name.length)
  joined.set(prefix)
  joined[prefix.length] = 0x2f
  joined.set(name, prefix.length + 1)
  return joined
}

/** Some old writers summed signed bytes; both sums are accepted. */
function checkChecksum(block: Uint8Array, expected: number | undefined, offset: number): void {
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < block.length; i++) {
    const byte = i >= CHECKSUM_START && i < CHECKSUM_END ? 0x20 : (block[i] as number)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  if (expected === unsigned || expected === signed) return
  throw badTar(`header checksum ${expected ?? 'missing'}, computed ${unsigned},`, offset, {
    expected: expected ?? null,
    found: unsigned,
  })
}
