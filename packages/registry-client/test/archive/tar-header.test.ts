// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { decodeTarHeader, encodeTarHeader, parsePaxRecords } from '../../src/archive/tar-header.ts'
import { tarMember } from '../support/tar.ts'

describe('encodeTarHeader', () => {
  it.each([0, 1, 512, 8 ** 11 - 1, 8 ** 11, 2 ** 50])('round-trips a size of %i', (size) => {
    const block = encodeTarHeader('blobs/sha256/x', size, '0')
    expect(block).toHaveLength(512)
    expect(decodeTarHeader(block, 'x')).toEqual({ name: 'blobs/sha256/x', type: '0', size, linkName: '' })
  })

  it('refuses names that do not fit', () => {
    expect(() => encodeTarHeader('x'.repeat(101), 0, '0')).toThrow(RangeError)
  })
})

describe('decodeTarHeader', () => {
  it('reads headers made by others, also with a prefix and without a type', () => {
    const block = tarMember('name', '').subarray(0, 512)
    expect(decodeTarHeader(block, 'x')).toMatchObject({ name: 'name', type: '0', size: 0 })
    const old = Buffer.from(block)
    old[156] = 0
    old.write('dir', 345)
    const sum = old.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
    old.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
    expect(decodeTarHeader(old, 'x')).toMatchObject({ name: 'dir/name', type: '0' })
  })

  it('ends at a block of zeros', () => {
    expect(decodeTarHeader(new Uint8Array(512), 'x')).toBeUndefined()
  })
})

describe('parsePaxRecords', () => {
  it('reads records by their length, whatever the value holds', () => {
    expect([...parsePaxRecords(Buffer.from('13 a=b\nc=d=e\n9 x=yyyy\n'))]).toEqual([
      ['a', 'b\nc=d=e'],
      ['x', 'yyyy'],
    ])
  })

  it.each(['5', '-5 a=b\n', '99 a=b\n', '2 a=b\n', 'x a=b\n', ''])('gives nothing for %j', (text) => {
    expect(parsePaxRecords(Buffer.from(text)).size).toBe(0)
  })
})
