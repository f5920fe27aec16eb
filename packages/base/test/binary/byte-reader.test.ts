// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/binary/index.ts'

function reader(length = 10): ByteReader {
  const section = new Uint8Array(20).map((_, i) => i)
  return new ByteReader(section.subarray(2, 2 + length), 'section')
}

describe('ByteReader', () => {
  it('reads forward and keeps count', () => {
    const bytes = reader()
    expect([bytes.u8(), bytes.u16(), bytes.u32()]).toEqual([2, 0x0403, 0x0807_0605])
    expect([bytes.offset, bytes.remaining]).toEqual([7, 3])
    expect([...bytes.bytes(2)]).toEqual([9, 10])
    bytes.skip(1)
    expect(bytes.remaining).toBe(0)
  })
  it('aligns relative to the start of the section', () => {
    const bytes = reader()
    bytes.align(4)
    expect(bytes.offset).toBe(0)
    bytes.skip(1)
    bytes.align(4)
    expect(bytes.offset).toBe(4)
    bytes.align(4)
    expect(bytes.offset).toBe(4)
  })
  it.each([
    ['u8', (bytes: ByteReader) => bytes.u8(), 0],
    ['u16', (bytes: ByteReader) => bytes.u16(), 1],
    ['u32', (bytes: ByteReader) => bytes.u32(), 3],
    ['bytes', (bytes: ByteReader) => bytes.bytes(8), 7],
    ['skip', (bytes: ByteReader) => bytes.skip(8), 7],
    ['a negative length', (bytes: ByteReader) => bytes.bytes(-1), 7],
    ['a fraction', (bytes: ByteReader) => bytes.skip(0.5), 7],
    ['align', (bytes: ByteReader) => [bytes.skip(1), bytes.align(8)], 7],
  ])('%s past the end throws and names the section', (_, read, length) => {
    expect(() => read(reader(length))).toThrowError(
      expect.objectContaining({
        code: 'ERR_FORMAT_TRUNCATED',
        message: expect.stringContaining('section: '),
      }),
    )
  })
})
