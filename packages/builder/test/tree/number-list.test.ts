// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { NumberList } from '../../src/tree/number-list.ts'

it('NumberList keeps numbers in order and knows its end', () => {
  const list = new NumberList()
  for (let i = 0; i < 5000; i++) list.push(0xffff_ffff - i)
  expect(list.length).toBe(5000)
  expect([list.at(0), list.at(1024), list.at(4999)]).toEqual([
    0xffff_ffff,
    0xffff_ffff - 1024,
    0xffff_ffff - 4999,
  ])
  expect(() => list.at(5000)).toThrow(RangeError)
})
