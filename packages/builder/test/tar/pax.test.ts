// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parsePaxRecords, paxBytes, paxNumber, paxTime } from '../../src/tar/pax.ts'
import { paxRecord } from '../tar-bytes.ts'

const text = (value: string) => new Uint8Array(Buffer.from(value, 'latin1'))

describe('parsePaxRecords', () => {
  it('reads records by their length, so values may hold newlines and anything else', () => {
    const records = parsePaxRecords(
      Buffer.concat([paxRecord('a', '1\n2=3'), paxRecord('b', ''), paxRecord('a', 'last')]),
      0,
    )
    expect([...records].map(([key, value]) => [key, Buffer.from(value).toString()])).toEqual([
      ['a', 'last'],
      ['b', ''],
    ])
    expect(Buffer.from(parsePaxRecords(paxRecord('k', '\n'.repeat(90)), 0).get('k') ?? []).toString()).toBe(
      '\n'.repeat(90),
    )
  })

  it('stops at padding', () => {
    expect(parsePaxRecords(Buffer.concat([paxRecord('a', '1'), new Uint8Array(9)]), 0).size).toBe(1)
  })

  it.each([
    '5 a=1\n',
    '7 a=1\n',
    '6 a=1x',
    '5 a\n',
    '5 =1\n',
    ' a=1\n',
    'x a=1\n',
    '-6 a=1\n',
    '3 \n',
    '0 a=1\n',
    '99999999999999999999 a=1\n',
    '6a=1\n',
  ])('refuses %j', (content) => {
    expect(() => parsePaxRecords(text(content), 0x200)).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_BAD_TAR' }),
    )
  })
})

describe('values of records', () => {
  const records = new Map([
    ['n', text('42')],
    ['empty', text('')],
    ['bad', text('4 2')],
    ['t', text('1.5')],
    ['t-', text('-1.25')],
    ['t-whole', text('-3')],
    ['t-long', text('7.1234567899')],
    ['t-dot', text('7.')],
    ['t-bad', text('.5')],
  ])
  it('numbers', () => {
    expect([
      paxNumber(records, 'n', 0),
      paxNumber(records, 'empty', 0),
      paxNumber(records, 'none', 0),
    ]).toEqual([42, undefined, undefined])
    expect(() => paxNumber(records, 'bad', 0)).toThrow(expect.objectContaining({ code: 'ERR_BUILD_BAD_TAR' }))
  })
  it('bytes', () =>
    expect([paxBytes(records, 'n')?.length, paxBytes(records, 'empty')]).toEqual([2, undefined]))
  it.each<[string, number, number]>([
    ['t', 1, 500_000_000],
    ['t-', -2, 750_000_000],
    ['t-whole', -3, 0],
    ['t-long', 7, 123_456_789],
    ['t-dot', 7, 0],
  ])('times: %s', (key, mtime, mtimeNsec) => expect(paxTime(records, key, 0)).toEqual({ mtime, mtimeNsec }))
  it('refuses other times', () => {
    expect(() => paxTime(records, 't-bad', 0)).toThrow(expect.objectContaining({ code: 'ERR_BUILD_BAD_TAR' }))
  })
})
