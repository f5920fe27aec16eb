// SPDX-License-Identifier: Apache-2.0
/** The header of a gzip member: RFC 1952, section 2.3. */
import { DigestError } from '../error/nydus-error.ts'

const MAGIC = [0x1f, 0x8b, 8] as const
const FIXED_BYTES = 10
const FLAGS_AT = 3
const FLAG = { HEADER_CRC: 0x2, EXTRA: 0x4, NAME: 0x8, COMMENT: 0x10, RESERVED: 0xe0 } as const

/**
 * Bytes of the gzip member header at `offset`.
 * @returns undefined when `bytes` ends before the header does.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED when it is no gzip header.
 */
export function gzipHeaderSize(bytes: Uint8Array, offset = 0): number | undefined {
  for (const [i, expected] of MAGIC.entries()) {
    const found = bytes[offset + i]
    if (found === undefined) return undefined
    if (found !== expected) throw noHeader(offset, `byte ${i} is 0x${found.toString(16)}`)
  }
  if (bytes.length - offset < FIXED_BYTES) return undefined
  const flags = bytes[offset + FLAGS_AT] as number
  if ((flags & FLAG.RESERVED) !== 0) throw noHeader(offset, `flags 0x${flags.toString(16)}`)
  let at = offset + FIXED_BYTES
  if ((flags & FLAG.EXTRA) !== 0) {
    if (bytes.length - at < 2) return undefined
    at += 2 + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8))
  }
  for (const text of [FLAG.NAME, FLAG.COMMENT]) {
    if ((flags & text) === 0) continue
    const end = at < bytes.length ? bytes.indexOf(0, at) : -1
    if (end === -1) return undefined
    at = end + 1
  }
  if ((flags & FLAG.HEADER_CRC) !== 0) at += 2
  return at > bytes.length ? undefined : at - offset
}

function noHeader(offset: number, found: string): DigestError {
  return new DigestError(
    'ERR_DECOMPRESS_FAILED',
    `no gzip member header at 0x${offset.toString(16)}: ${found}`,
    {
      details: { offset },
    },
  )
}
