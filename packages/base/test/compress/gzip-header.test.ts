// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gzipHeaderSize } from '../../src/compress/index.ts'

/** Flags, and what they add behind the ten fixed bytes. */
const FIELDS = [
  [0x2, Buffer.from([1, 2])],
  [0x4, Buffer.from([3, 0, 9, 9, 9])],
  [0x8, Buffer.from('name\0')],
  [0x10, Buffer.from('comment\0')],
] as const
/** In the order of the format. */
const ORDER = [0x4, 0x8, 0x10, 0x2]

function headerOf(flags: number): Buffer {
  const fields = ORDER.filter((flag) => (flags & flag) !== 0).map(
    (flag) => FIELDS.find(([bit]) => bit === flag)?.[1] as Buffer,
  )
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]), ...fields])
}

describe('gzipHeaderSize', () => {
  it('counts every combination of fields, and knows when it is cut', () => {
    for (let flags = 0; flags < 0x20; flags += 1) {
      const header = headerOf(flags & 0x1e)
      const file = Buffer.concat([Buffer.from('xyz'), header, Buffer.from('data')])
      expect(gzipHeaderSize(file, 3)).toBe(header.length)
      for (let length = 3; length < 3 + header.length; length++) {
        expect(gzipHeaderSize(file.subarray(0, length), 3), `flags ${flags}, ${length}`).toBeUndefined()
      }
    }
  })

  it('knows what zlib writes', () => {
    expect(gzipHeaderSize(gzipSync('text'))).toBe(10)
  })

  it('refuses other magics, methods and reserved flags', () => {
    for (const [at, value] of [
      [0, 0x1e],
      [1, 0],
      [2, 7],
      [3, 0x20],
    ] as const) {
      const header = headerOf(0)
      header[at] = value
      expect(() => gzipHeaderSize(header)).toThrow(expect.objectContaining({ code: 'ERR_DECOMPRESS_FAILED' }))
    }
  })
})
