// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { quotedText } from '../../src/nydus-image/quoted-text.ts'

describe('quoted names', () => {
  it.each([
    ['plain', '"plain"'],
    ['two words', '"two words"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["it's", '"it\'s"'],
    ['\t\n\r\0', '"\\t\\n\\r\\0"'],
    ['\u0001\u007f', '"\\u{1}\\u{7f}"'],
    ['größe 日本 😀', '"größe 日本 😀"'],
    ['\u00a0\u200b', '"\\u{a0}\\u{200b}"'],
  ])('%j', (name, expected) => {
    expect(quotedText(Buffer.from(name))).toBe(expected)
  })

  it('shows bytes that are no text, and the text around them', () => {
    expect(quotedText(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3]))).toBe('"a\\xFFé\\xC3"')
  })
})
