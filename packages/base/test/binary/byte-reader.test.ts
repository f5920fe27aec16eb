// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/binary/index.ts'

function reader(length = 10): ByteReader {
  const section = new Uint8Array(20).map((_, i) => i)
  return new ByteReader(section.subarray(2, 2 + length), 'section')
}

describe('ByteReader', () => {
  it('reads forward and keeps count', () => {
    const it = reader()
    expect([it.u8(), it.u16(), it.u32()]).toEqual([2, 0x0403, 0x0807_0605])
    expect([it.offset, it.remaining]).toEqual([7, 3])
    expect([...it.bytes(2)]).toEqual([9, 10])
    it.skip(1)
    expect(it.remaining).toBe(0)
  })
  it('aligns relative to the start of the section', () => {
    const it = reader()
    it.align(4)
    expect(it.offset).toBe(0)
    it.skip(1)
    it.align(4)
    expect(it.offset).toBe(4)
    it.align(4)
    expect(it.offset).toBe(4)
  })
  it.each([
    ['u8', (it: ByteReader) => it.u8(), 0],
    ['u16', (it: ByteReader) => it.u16(), 1],
    ['u32', (it: ByteReader) => it.u32(), 3],
    ['bytes', (it: ByteReader) => it.bytes(8), 7],
    ['skip', (it: ByteReader) => it.skip(8), 7],
    ['a negative length', (it: ByteReader) => it.bytes(-1), 7],
    ['a fraction', (it: ByteReader) => it.skip(0.5), 7],
    ['align', (it: ByteReader) => [it.skip(1), it.align(8)], 7],
  ])('%s past the end throws and names the section', (_, read, length) => {
    expect(() => read(reader(length))).toThrowError(
      expect.objectContaining({
        code: 'ERR_FORMAT_TRUNCATED',
        message: expect.stringContaining('section: '),
      }),
    )
  })
})
