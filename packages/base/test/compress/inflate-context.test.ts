// SPDX-License-Identifier: Apache-2.0
import { deflateRawSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflateContext } from '../../src/compress/index.ts'

const WINDOW = Buffer.from('words that were there before the stream started, more than once. '.repeat(20))
const PLAIN = Buffer.from(
  Array.from({ length: 3000 }, (_, i) => `line ${i * 7919} of a text whose words were there before`).join(
    '\n',
  ),
)
const STREAM = deflateRawSync(PLAIN, { dictionary: WINDOW })

/** The stream moved so that its first `bits` bits are the high bits of a byte of its own, with noise below. */
function shifted(bits: number): { readonly byte: number; readonly input: Buffer } {
  const moved = Buffer.alloc(STREAM.length + 1)
  const distance = (8 - bits) % 8
  for (let i = 0; i < STREAM.length; i++) {
    const byte = STREAM[i] as number
    const at = bits === 0 ? i + 1 : i
    moved[at] = (moved[at] as number) | ((byte << distance) & 0xff)
    if (distance > 0) moved[at + 1] = (moved[at + 1] as number) | (byte >> (8 - distance))
  }
  const noise = bits === 0 ? 0xff : 0xff >> bits
  return { byte: (moved[0] as number) | (0x5b & noise), input: moved.subarray(1) }
}

describe('inflateContext', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('starts with %i bits of a byte', (bits) => {
    const { byte, input } = shifted(bits)
    for (const outLength of [0, 1, 1000, PLAIN.length]) {
      // Contexts hold little more than they give.
      const cut = outLength === PLAIN.length ? input : input.subarray(0, 1500)
      const found = inflateContext(cut, { bits, byte, dictionary: WINDOW, outLength })
      expect(Buffer.compare(found, PLAIN.subarray(0, outLength))).toBe(0)
    }
  })

  it('takes an input that ends inside a block', () => {
    const { byte, input } = shifted(3)
    const found = inflateContext(input.subarray(0, input.length >> 1), {
      bits: 3,
      byte,
      dictionary: WINDOW,
      outLength: PLAIN.length >> 2,
    })
    expect(Buffer.compare(found, PLAIN.subarray(0, PLAIN.length >> 2))).toBe(0)
  })

  it('goes on in the next members', () => {
    const { byte, input } = shifted(0)
    const trailer = Buffer.alloc(8, 7)
    const named = gzipSync(Buffer.from('second'))
    named[3] = 8
    const second = Buffer.concat([named.subarray(0, 10), Buffer.from('name\0'), named.subarray(10)])
    const third = gzipSync(Buffer.from('third'))
    const file = Buffer.concat([input.subarray(0, STREAM.length), trailer, second, gzipSync(''), third])
    const expected = Buffer.concat([PLAIN, Buffer.from('secondthird')])
    for (const outLength of [PLAIN.length, PLAIN.length + 1, expected.length]) {
      const found = inflateContext(file, { bits: 0, byte, dictionary: WINDOW, outLength })
      expect(Buffer.compare(found, expected.subarray(0, outLength))).toBe(0)
    }
    expect(() =>
      inflateContext(file, { bits: 0, byte, dictionary: WINDOW, outLength: expected.length + 1 }),
    ).toThrow(expect.objectContaining({ code: 'ERR_SIZE_MISMATCH' }))
  })

  it('starts at the end of a member, where some builders put contexts', () => {
    const file = Buffer.concat([Buffer.alloc(8, 1), gzipSync(PLAIN)])
    const context = { bits: 6, byte: 0, dictionary: WINDOW, outLength: PLAIN.length }
    expect(Buffer.compare(inflateContext(file, context), PLAIN)).toBe(0)
  })

  it('starts in the next member where its point is the end of one', () => {
    const trailer = Buffer.alloc(8, 7)
    const file = Buffer.concat([trailer, gzipSync(PLAIN), gzipSync('next')])
    const context = { bits: 7, byte: 0, dictionary: WINDOW }
    const whole = inflateContext(file, { ...context, outLength: PLAIN.length + 4 })
    expect(Buffer.compare(whole, Buffer.concat([PLAIN, Buffer.from('next')]))).toBe(0)
    // Bytes of a block that look like a header are no reason to fail.
    const stored = deflateRawSync(Buffer.concat([Buffer.from('abc'), Buffer.from([0x1f, 0x8b, 8])]), {
      level: 0,
    })
    expect([...stored.subarray(8, 11)]).toEqual([0x1f, 0x8b, 8])
    const plain = inflateContext(stored, { bits: 0, byte: 0, dictionary: new Uint8Array(), outLength: 6 })
    expect(Buffer.from(plain).subarray(0, 3).toString()).toBe('abc')
  })

  it('refuses damaged data, and contexts that cannot be', () => {
    const context = { bits: 0, byte: 0, dictionary: WINDOW, outLength: PLAIN.length }
    expect(() => inflateContext(Buffer.alloc(100, 0xff), context)).toThrow(
      expect.objectContaining({ code: 'ERR_DECOMPRESS_FAILED' }),
    )
    expect(() => inflateContext(STREAM.subarray(0, 50), context)).toThrow(
      expect.objectContaining({ code: 'ERR_SIZE_MISMATCH' }),
    )
    expect(() => inflateContext(STREAM, { ...context, dictionary: new Uint8Array(0) })).toThrow(
      expect.objectContaining({ code: 'ERR_DECOMPRESS_FAILED' }),
    )
    for (const bad of [
      { bits: 8 },
      { bits: -1 },
      { byte: 256 },
      { outLength: -1 },
      { dictionary: new Uint8Array(32_769) },
    ]) {
      expect(() => inflateContext(STREAM, { ...context, ...bad })).toThrow(
        expect.objectContaining({ code: 'ERR_DECOMPRESS_FAILED' }),
      )
    }
  })

  it('does not decode far more than was asked for', () => {
    const bomb = deflateRawSync(Buffer.alloc(50_000_000))
    expect(() =>
      inflateContext(bomb, { bits: 0, byte: 0, dictionary: new Uint8Array(0), outLength: 10 }),
    ).toThrow(expect.objectContaining({ code: 'ERR_DECOMPRESS_TOO_LARGE' }))
  })
})
