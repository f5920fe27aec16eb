// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  bytes,
  cstring,
  defineStruct,
  i64,
  reserved,
  u8,
  u16,
  u32,
  u64,
  u64flags,
} from '../../src/binary/index.ts'

const Record = defineStruct('Record', 48, {
  a: u8,
  gap: reserved(1),
  b: u16,
  c: u32,
  d: u64,
  e: i64,
  f: u64flags,
  g: bytes(4),
  h: cstring(12),
})
const VALUE = {
  a: 1,
  b: 0x0203,
  c: 0x0405_0607,
  d: 2 ** 53 - 1,
  e: -2,
  f: 1n << 63n,
  g: new Uint8Array([9, 8, 7, 6]),
  h: 'name',
}

describe('defineStruct', () => {
  it('lays fields out in order, little-endian', () => {
    expect(Buffer.from(Record.encode(VALUE)).toString('hex')).toBe(
      '01000302' +
        '07060504' +
        'ffffffffffff1f00' +
        'feffffffffffffff' +
        '0000000000000080' +
        '09080706' +
        '6e616d650000000000000000',
    )
    expect(Record.offsets).toEqual({ a: 0, gap: 1, b: 2, c: 4, d: 8, e: 16, f: 24, g: 32, h: 36 })
    expect([Record.size, Record.name]).toEqual([48, 'Record'])
  })
  it('decodes what it encoded, at any offset', () => {
    const buffer = new Uint8Array(100).fill(0xaa)
    Record.encodeInto(buffer, 7, VALUE)
    expect(Record.decode(buffer, 7)).toEqual(VALUE)
    expect([buffer[6], buffer[8], buffer[55]]).toEqual([0xaa, 0, 0xaa])
  })
  it('writes zeros for members left out, over whatever was there', () => {
    const buffer = new Uint8Array(48).fill(0xff)
    Record.encodeInto(buffer, 0, {})
    expect(buffer.every((byte) => byte === 0)).toBe(true)
  })
  it('views lazily: a member shows what the buffer holds when it is read', () => {
    const buffer = Record.encode(VALUE)
    const view = Record.view(buffer)
    buffer[0] = 42
    expect(view.a).toBe(42)
    expect(Record.decode(buffer).g.buffer).toBe(buffer.buffer)
    expect('gap' in view).toBe(false)
  })
  it('reads shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(48))
    shared.set(Record.encode(VALUE))
    expect(Record.decode(shared)).toEqual(VALUE)
  })
  it('writes tables', () => {
    const table = Record.encodeTable([VALUE, { ...VALUE, a: 2 }])
    expect(table).toHaveLength(96)
    expect(Record.decode(table, 48).a).toBe(2)
    expect(Record.encodeTable([])).toHaveLength(0)
  })
  it('refuses a buffer that is cut at any byte, and offsets that are no offsets', () => {
    const buffer = Record.encode(VALUE)
    for (let length = 0; length < buffer.length; length++) {
      expect(() => Record.view(buffer.subarray(0, length))).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_TRUNCATED' }),
      )
    }
    for (const offset of [-1, 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => Record.decode(buffer, offset)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_TRUNCATED' }),
      )
      expect(() => Record.encodeInto(buffer, offset, VALUE)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
      )
    }
  })
  it('fails at load when the declared size is wrong', () => {
    expect(() => defineStruct('Bad', 5, { a: u32 })).toThrowError(/Bad is declared with 5 bytes but has 4/)
  })
})
