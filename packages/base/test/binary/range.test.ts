// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { alignUp, checkRange, isPowerOfTwo } from '../../src/binary/index.ts'

describe('checkRange', () => {
  it.each([
    [0, 0, 0],
    [0, 10, 10],
    [10, 0, 10],
    [Number.MAX_SAFE_INTEGER - 1, 1, Number.MAX_SAFE_INTEGER],
  ])('takes %d + %d within %d', (offset, length, limit) =>
    expect(checkRange(offset, length, limit, 'x')).toBeUndefined(),
  )

  it.each([
    [0, 11, 10],
    [11, 0, 10],
    [5, 6, 10],
    [-1, 1, 10],
    [1, -1, 10],
    [0.5, 1, 10],
    [Number.NaN, 1, 10],
    [1, Number.NaN, 10],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 10],
    [2 ** 60, 0, Number.POSITIVE_INFINITY],
  ])('refuses %d + %d within %d', (offset, length, limit) => {
    expect(() => checkRange(offset, length, limit, 'table')).toThrowError(
      expect.objectContaining({
        code: 'ERR_FORMAT_OUT_OF_RANGE',
        message: expect.stringContaining('table: '),
      }),
    )
  })
})

describe('alignUp', () => {
  it.each([
    [0, 4096, 0],
    [1, 4096, 4096],
    [4096, 4096, 4096],
    [2 ** 40 + 1, 8, 2 ** 40 + 8],
    [7, 3, 9],
  ])('%d to %d is %d', (value, alignment, expected) => expect(alignUp(value, alignment)).toBe(expected))
})

describe('isPowerOfTwo', () => {
  it('knows all of them below 2^53', () => {
    for (let bit = 0; bit < 53; bit++) {
      expect(isPowerOfTwo(2 ** bit)).toBe(true)
      if (bit > 1) expect([isPowerOfTwo(2 ** bit + 1), isPowerOfTwo(2 ** bit - 1)]).toEqual([false, false])
    }
  })
  it.each([0, -2, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses %d', (value) =>
    expect(isPowerOfTwo(value)).toBe(false),
  )
})
