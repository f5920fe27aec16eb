// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { encodeGoJson, isGoEmpty, sortedMap } from '../../src/convert/go-json.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('encodeGoJson', () => {
  it('escapes what Go escapes', () => {
    expect(text(encodeGoJson({ cmd: 'a <b> && c\u2028' }, 'compact'))).toBe(
      '{"cmd":"a \\u003cb\\u003e \\u0026\\u0026 c\\u2028"}',
    )
  })

  it('indents with two spaces and ends without a newline', () => {
    expect(text(encodeGoJson({ a: [1] }, 'indented'))).toBe('{\n  "a": [\n    1\n  ]\n}')
  })

  it('leaves out members that are undefined', () => {
    expect(text(encodeGoJson({ a: undefined, b: 1 }, 'compact'))).toBe('{"b":1}')
  })
})

describe('maps and empty values', () => {
  it('sorts keys by their UTF-8 bytes', () => {
    expect(Object.keys(sortedMap({ '\u{10000}': 1, '\uffff': 2, b: 3, B: 4 }))).toEqual([
      'B',
      'b',
      '\uffff',
      '\u{10000}',
    ])
  })

  it('knows what omitempty leaves out', () => {
    for (const value of [undefined, null, false, 0, '', [], {}]) expect(isGoEmpty(value)).toBe(true)
    for (const value of [true, 1, ' ', [0], { a: 0 }]) expect(isGoEmpty(value)).toBe(false)
  })
})
