// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { compareBytes, equalBytes } from '../../src/binary/index.ts'

describe('compareBytes', () => {
  it('orders like memcmp, prefixes first, bytes unsigned', () => {
    const sorted = ['', '\0', '!', '-x', '.', '..', 'a', 'a\0', 'aa', 'b', '\x7f', '\x80', '\xff', '\xff\xff']
    const names = sorted.map((name) => Buffer.from(name, 'latin1'))
    for (const [i, a] of names.entries()) {
      for (const [j, b] of names.entries()) expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j))
    }
  })
})

describe('equalBytes', () => {
  it('compares length and content', () => {
    expect(equalBytes(new Uint8Array([1, 2]), Buffer.from([1, 2]))).toBe(true)
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false)
    expect(equalBytes(new Uint8Array([1]), new Uint8Array([1, 2]))).toBe(false)
  })
})
