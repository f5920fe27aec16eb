// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { codecOf } from '../../src/compress/index.ts'
import { compressLz4Portable, decompressLz4Portable } from '../../src/compress/lz4-portable.ts'

const SAMPLES: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['one byte', new Uint8Array([7])],
  ['twelve bytes, too few for a match', Buffer.from('aaaaaaaaaaaa')],
  ['thirteen bytes', Buffer.from('aaaaaaaaaaaaa')],
  ['a run', new Uint8Array(100_000)],
  ['text', Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(500))],
  ['random bytes', randomBytes(100_000)],
  ['random bytes that come again behind more than 64 KiB', repeated(70_000)],
  ['random bytes that come again within 64 KiB', repeated(60_000)],
  [
    'lengths around 15 and 270',
    Buffer.concat([14, 15, 16, 269, 270, 271, 525].flatMap((n) => [randomBytes(n), Buffer.alloc(n, 1)])),
  ],
]

function repeated(length: number): Uint8Array {
  const once = randomBytes(length)
  return Buffer.concat([once, once])
}

describe('the portable lz4 codec', () => {
  it.each(SAMPLES)('decompresses its own %s, and so does the codec in use', (_, bytes) => {
    const block = compressLz4Portable(bytes)
    expect(Buffer.compare(decompressLz4Portable(block, bytes.length), bytes)).toBe(0)
    expect(Buffer.compare(codecOf('lz4_block').decompress(block, bytes.length), bytes)).toBe(0)
  })
  it.each(SAMPLES)('decompresses %s from the codec in use', (_, bytes) => {
    expect(
      Buffer.compare(decompressLz4Portable(codecOf('lz4_block').compress(bytes), bytes.length), bytes),
    ).toBe(0)
  })
  it('makes text smaller', () => {
    const text = Buffer.from('nydus '.repeat(1000))
    expect(compressLz4Portable(text).length).toBeLessThan(text.length / 20)
  })
  it.each([
    ['nothing', ''],
    ['literals past the end', '50616263'],
    ['a length past the end', 'f0ff'],
    ['a match without offset', '116101'],
    ['offset 0', '1161000000'],
    ['an offset before the start', '1161020000'],
    ['no final literals', '11610100'],
  ])('refuses %s', (_, hex) => {
    expect(() => decompressLz4Portable(Buffer.from(hex, 'hex'), 1000)).toThrowError(
      expect.objectContaining({ code: 'ERR_DECOMPRESS_FAILED' }),
    )
  })
  it('stops at the cap, in literals and in matches', () => {
    for (const bytes of [randomBytes(100), new Uint8Array(100)]) {
      expect(() => decompressLz4Portable(compressLz4Portable(bytes), 99)).toThrowError(
        expect.objectContaining({ code: 'ERR_DECOMPRESS_TOO_LARGE' }),
      )
    }
  })
})
