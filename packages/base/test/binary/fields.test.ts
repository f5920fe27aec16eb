// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  bytes,
  cstring,
  type Field,
  i64,
  reserved,
  u8,
  u16,
  u32,
  u64,
  u64flags,
} from '../../src/binary/index.ts'

function roundTrip<T>(field: Field<T>, value: T): T {
  const view = new DataView(new ArrayBuffer(field.size + 3))
  field.set(view, 3, value)
  return field.get(view, 3)
}

describe('integer fields', () => {
  it.each([
    [u8, 0xff],
    [u16, 0xffff],
    [u32, 0xffff_ffff],
    [u64, Number.MAX_SAFE_INTEGER],
  ])('hold 0 to their maximum and nothing else', (field, max) => {
    for (const value of [0, 1, max - 1, max]) expect(roundTrip(field, value)).toBe(value)
    for (const value of [-1, max + 1, 0.5, Number.NaN])
      expect(() => roundTrip(field, value)).toThrowError(RangeError)
  })
  it('u64 refuses to read what is no safe integer', () => {
    for (const stored of [2n ** 53n, 2n ** 64n - 1n]) {
      const view = new DataView(new ArrayBuffer(8))
      view.setBigUint64(0, stored, true)
      expect(() => u64.get(view, 0)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_U64_OVERFLOW' }),
      )
    }
  })
  it('i64 holds times before 1970, u64flags all bits', () => {
    for (const value of [-(2 ** 53), -1, 0, 2 ** 53]) expect(roundTrip(i64, value)).toBe(value)
    expect(roundTrip(u64flags, 2n ** 64n - 1n)).toBe(2n ** 64n - 1n)
  })
})

describe('byte and text fields', () => {
  it('pad with zeros, over whatever was there', () => {
    const view = new DataView(new Uint8Array(8).fill(0xee).buffer)
    bytes(4).set(view, 0, new Uint8Array([1]))
    cstring(4).set(view, 4, 'ab')
    expect([...new Uint8Array(view.buffer)]).toEqual([1, 0, 0, 0, 0x61, 0x62, 0, 0])
  })
  it('hold text of full length without NUL, and Latin-1', () => {
    expect(roundTrip(cstring(4), 'abcd')).toBe('abcd')
    expect(roundTrip(cstring(4), 'é')).toBe('é')
    expect(roundTrip(cstring(4), '')).toBe('')
  })
  it('refuse what does not fit', () => {
    expect(() => roundTrip(bytes(2), new Uint8Array(3))).toThrowError(RangeError)
    expect(() => roundTrip(cstring(2), 'abc')).toThrowError(RangeError)
    expect(() => roundTrip(cstring(4), '→')).toThrowError(/Latin-1/)
  })
  it('reserved bytes are zero and have no value', () => {
    const field: Field<never> = reserved(3)
    expect(() => field.get(new DataView(new ArrayBuffer(3)), 0)).toThrowError(TypeError)
  })
})
