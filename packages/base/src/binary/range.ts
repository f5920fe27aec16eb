// SPDX-License-Identifier: Apache-2.0
/** Overflow-safe range arithmetic: no byte is touched before its offset and length passed `checkRange`. */
import { FormatError } from '../error/nydus-error.ts'

/** A run of bytes: `offset` and `length` in bytes, both ≥ 0 and safe integers. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/**
 * Checks that `[offset, offset + length)` lies inside `[0, limit)`.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when it does not, or when a value is not a safe non-negative integer.
 */
export function checkRange(offset: number, length: number, limit: number, what: string): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
  if (valid && offset <= limit && length <= limit - offset) return
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `${what}: ${length} bytes at 0x${offset.toString(16)} do not fit into ${limit} bytes`,
    { details: { what, offset, length, limit } },
  )
}

/** `value` rounded up to a multiple of `alignment` (any positive integer). */
export function alignUp(value: number, alignment: number): number {
  const rest = value % alignment
  return rest === 0 ? value : value + (alignment - rest)
}

/** Tells whether `value` is a power of two ≥ 1 and below 2^53. */
export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value
}
