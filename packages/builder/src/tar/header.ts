// SPDX-License-Identifier: Apache-2.0
import { byteName } from '../tree/byte-name.ts'
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

const CHECKSUM_START = TarHeader.offsets.checksum
const CHECKSUM_END = CHECKSUM_START + 8

/** Tells whether a block has only zero bytes, as the two at the end of an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}

/**
 * @returns the header; only its `block` refers to `block`.
 * @throws {BuildError} ERR_BUILD_BAD_TAR when the checksum does not match.
 */
export function decodeHeader(block: Uint8Array, offset: number): Header {
  const fields = TarHeader.view(block)
  checkChecksum(block, parseNumberField(fields.checksum), offset)
  const magic = byteName(fields.magic)
  const hasDevices = magic === USTAR_MAGIC || magic === GNU_MAGIC
  return {
    type: String.fromCharCode(fields.type),
    name: joinPrefix(
      magic === USTAR_MAGIC ? untilNul(fields.prefix) : new Uint8Array(0),
      untilNul(fields.name),
    ),
    linkName: new Uint8Array(untilNul(fields.linkName)),
    mode: parseNumberField(fields.mode),
    uid: parseNumberField(fields.uid),
    gid: parseNumberField(fields.gid),
    size: parseNumberField(fields.size),
    mtime: parseNumberField(fields.mtime),
    deviceMajor: hasDevices ? parseNumberField(fields.deviceMajor) : 0,
    deviceMinor: hasDevices ? parseNumberField(fields.deviceMinor) : 0,
    offset,
    block,
  }
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
