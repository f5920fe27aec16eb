// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { decodeTarTrailer, encodeTarTrailer } from '../../src/index.ts'
import { output } from '../golden.ts'

describe('encodeTarTrailer', () => {
  it('writes what the original wrote behind every section', () => {
    const blob = output('mixed-v6-inline-toc', 'blob')
    let end = blob.length
    const names: string[] = []
    while (end > 0) {
      const header = blob.subarray(end - 512, end)
      const { name, size } = decodeTarTrailer(header)
      expect(Buffer.compare(encodeTarTrailer(name, size), header)).toBe(0)
      names.unshift(name)
      end -= 512 + size
    }
    expect(end).toBe(0)
    expect(names).toEqual(['image.blob', 'blob.meta', 'blob.digest', 'image.boot', 'rafs.blob.toc'])
  })
  it.each([0, 1, 8 ** 11 - 1, 8 ** 11, 2 ** 40, Number.MAX_SAFE_INTEGER])('keeps size %d', (size) => {
    expect(decodeTarTrailer(encodeTarTrailer('image.blob', size))).toEqual({ name: 'image.blob', size })
  })
  it('refuses names and sizes that no caller may pass', () => {
    expect(() => encodeTarTrailer('', 0)).toThrowError(RangeError)
    expect(() => encodeTarTrailer('n'.repeat(101), 0)).toThrowError(RangeError)
    expect(() => encodeTarTrailer('n', -1)).toThrowError(RangeError)
    expect(() => encodeTarTrailer('n', 2 ** 53)).toThrowError(RangeError)
  })
})

describe('decodeTarTrailer', () => {
  it('refuses other types, other checksums and short input', () => {
    const directory = encodeTarTrailer('d', 0)
    directory[156] = 0x35
    directory.set(Buffer.from('0003675\0'), 148)
    const sum = directory.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    directory.set(Buffer.from(`${sum.toString(8).padStart(7, '0')}\0`), 148)
    expect(() => decodeTarTrailer(directory)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
    const flipped = encodeTarTrailer('d', 0)
    flipped[0] = 0x65
    expect(() => decodeTarTrailer(flipped)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_CHECKSUM_MISMATCH' }),
    )
    expect(() => decodeTarTrailer(new Uint8Array(511))).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_TRUNCATED' }),
    )
  })
  it('refuses a size of 2^88', () => {
    const header = encodeTarTrailer('d', 2 ** 40)
    header[125] = 0xff
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    header.set(Buffer.from(`${sum.toString(8).padStart(7, '0')}\0`), 148)
    expect(() => decodeTarTrailer(header)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
})
