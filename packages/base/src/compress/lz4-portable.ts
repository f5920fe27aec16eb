// SPDX-License-Identifier: Apache-2.0
/**
 * LZ4 block codec in plain TypeScript, for platforms without the native binding.
 *
 *   sequence = token (literal length << 4 | match length − 4) · [length bytes] · literals · u16 offset · [length bytes]
 *
 * The last sequence has literals only; the last 5 bytes are literals and no match starts within the last 12 bytes.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
import { DigestError } from '../error/nydus-error.ts'

const MIN_MATCH = 4
const LAST_LITERALS = 5
const MATCH_FIND_LIMIT = 12
const MAX_DISTANCE = 0xffff
const HASH_BITS = 14

/** Decompresses one block to at most `maxBytes`. Throws ERR_DECOMPRESS_FAILED or ERR_DECOMPRESS_TOO_LARGE. */
export function decompressLz4Portable(source: Uint8Array, maxBytes: number): Uint8Array {
  const target = new Uint8Array(maxBytes)
  let read = 0
  let written = 0

  function extendedLength(nibble: number): number {
    let length = nibble
    if (nibble !== 15) return length
    for (;;) {
      const byte = source[read++]
      if (byte === undefined) throw damaged('length runs past the end')
      length += byte
      if (byte !== 255) return length
    }
  }

  while (read < source.length) {
    const token = source[read++] as number
    const literals = extendedLength(token >> 4)
    if (literals > source.length - read) throw damaged('literals run past the end')
    if (literals > maxBytes - written) throw tooLarge(maxBytes)
    target.set(source.subarray(read, read + literals), written)
    read += literals
    written += literals
    if (read === source.length) return target.subarray(0, written)
    if (source.length - read < 2) throw damaged('match offset runs past the end')
    const distance = (source[read] as number) | ((source[read + 1] as number) << 8)
    read += 2
    if (distance === 0 || distance > written) throw damaged('match offset before the start')
    const length = extendedLength(token & 15) + MIN_MATCH
    if (length > maxBytes - written) throw tooLarge(maxBytes)
    for (let i = 0; i < length; i++, written++) target[written] = target[written - distance] as number
  }
  throw damaged('no final literals')
}

/** Compresses `source` into one block (greedy, one hash table). */
export function compressLz4Portable(source: Uint8Array): Uint8Array {
  const target = new Uint8Array(source.length + Math.ceil(source.length / 255) + 16)
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength)
  const table = new Int32Array(1 << HASH_BITS).fill(-1)
  let written = 0
  let anchor = 0

  function putLength(length: number): void {
    let rest = length - 15
    for (; rest >= 255; rest -= 255) target[written++] = 255
    target[written++] = rest
  }
  function putSequence(end: number, matchLength: number, distance: number): void {
    const literals = end - anchor
    const match = matchLength - MIN_MATCH
    target[written++] = (Math.min(literals, 15) << 4) | (matchLength > 0 ? Math.min(match, 15) : 0)
    if (literals >= 15) putLength(literals)
    target.set(source.subarray(anchor, end), written)
    written += literals
    if (matchLength === 0) return
    target[written++] = distance & 0xff
    target[written++] = distance >> 8
    if (match >= 15) putLength(match)
  }

  const limit = source.length - MATCH_FIND_LIMIT
  for (let at = 0; at <= limit; ) {
    const sequence = view.getUint32(at, true)
    const slot = Math.imul(sequence, 0x9e37_79b1) >>> (32 - HASH_BITS)
    const candidate = table[slot] as number
    table[slot] = at
    if (candidate < 0 || at - candidate > MAX_DISTANCE || view.getUint32(candidate, true) !== sequence) {
      at++
      continue
    }
    let length = MIN_MATCH
    const longest = source.length - LAST_LITERALS - at
    while (length < longest && source[candidate + length] === source[at + length]) length++
    putSequence(at, length, at - candidate)
    at += length
    anchor = at
  }
  putSequence(source.length, 0, 0)
  return target.subarray(0, written)
}

function damaged(reason: string): DigestError {
  return new DigestError('ERR_DECOMPRESS_FAILED', `damaged lz4_block data: ${reason}`)
}

function tooLarge(maxBytes: number): DigestError {
  return new DigestError(
    'ERR_DECOMPRESS_TOO_LARGE',
    `lz4_block data decompresses to more than ${maxBytes} bytes`,
  )
}
