// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type DirentValue, direntsSize, encodeDirents } from '../../src/index.ts'
import { Dirent } from '../../src/layout/index.ts'

function entry(name: string, nid: number, fileType = 1): DirentValue {
  return { name: Buffer.from(name), nid, fileType }
}

describe('encodeDirents', () => {
  it('writes the worked example of the format: dots, then names without terminators', () => {
    const data = encodeDirents(
      [entry('.', 0x80, 2), entry('..', 0x80, 2), entry('file', 0x84, 1), entry('link', 0x87, 7)],
      4096,
    )
    expect(data).toHaveLength(59)
    expect(Buffer.from(data.subarray(48)).toString()).toBe('...filelink')
    expect([0, 12, 24, 36].map((at) => Dirent.decode(data, at))).toEqual([
      { nid: 0x80, nameOffset: 0x30, fileType: 2 },
      { nid: 0x80, nameOffset: 0x31, fileType: 2 },
      { nid: 0x84, nameOffset: 0x33, fileType: 1 },
      { nid: 0x87, nameOffset: 0x37, fileType: 7 },
    ])
  })
  it('starts a new block when an entry does not fit', () => {
    const names = Array.from({ length: 20 }, (_, i) =>
      entry(`${String(i).padStart(3, '0')}${'x'.repeat(240)}`, i),
    )
    const data = encodeDirents(names, 4096)
    expect(data.length).toBe(
      direntsSize(
        names.map(({ name }) => name),
        4096,
      ),
    )
    expect(data.length).toBe(4096 + 4 * 255)
    expect(Dirent.decode(data, 4096)).toMatchObject({ nid: 16, nameOffset: 48 })
    expect(data.subarray(16 * 255, 4096).every((byte) => byte === 0)).toBe(true)
  })
  it('fills a block to its last byte', () => {
    const exact = [entry('a'.repeat(244), 1), entry('b'.repeat(244), 2)]
    expect(encodeDirents(exact, 512)).toHaveLength(512)
    expect(direntsSize([...exact.map(({ name }) => name), Buffer.from('c')], 512)).toBe(512 + 13)
  })
  it('refuses names that cannot be stored and names out of order', () => {
    expect(() => encodeDirents([entry('', 1)], 4096)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
    expect(() => encodeDirents([entry('n'.repeat(256), 1)], 4096)).toThrowError(/256 bytes/)
    for (const pair of [
      ['b', 'a'],
      ['a', 'a'],
    ] as const) {
      expect(() =>
        encodeDirents(
          pair.map((name) => entry(name, 1)),
          4096,
        ),
      ).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }))
    }
  })
})
