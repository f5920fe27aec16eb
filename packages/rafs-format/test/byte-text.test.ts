// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { bytesText, hexText } from '../src/index.ts'

describe('bytesText', () => {
  it.each([
    ['plain', 'a b/c%20~', 'a b/c%20~'],
    ['UTF-8', 'grüße 漢 🦀', 'grüße 漢 🦀'],
    ['control characters', 'a\nb\u001b[31m\u007f', 'a\\x0ab\\x1b[31m\\x7f'],
    ['control characters above ASCII', 'a\u009b31m\u00a0', 'a\\xc2\\x9b31m\u00a0'],
    ['a backslash', 'a\\x0a', 'a\\x5cx0a'],
    ['a percent sign beside UTF-8', '%é%zz', '%é%zz'],
  ])('shows %s', (_, text, expected) => expect(bytesText(Buffer.from(text))).toBe(expected))

  it('shows bytes that are not UTF-8 as escapes, all of them', () => {
    expect(bytesText(new Uint8Array([0x61, 0xff, 0xc3, 0xa9]))).toBe('a\\xff\\xc3\\xa9')
    expect(bytesText(new Uint8Array([0xe2, 0x82]))).toBe('\\xe2\\x82')
    expect(bytesText(new Uint8Array([0xed, 0xa0, 0x80]))).toBe('\\xed\\xa0\\x80')
  })
  it('reads shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(0x7a)
    expect(bytesText(shared)).toBe('zzz')
  })
})

describe('hexText', () => {
  it('writes two digits a byte', () => expect(hexText(new Uint8Array([0, 1, 0xab]))).toBe('0001ab'))
})
