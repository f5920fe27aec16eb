// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gunzipCapped } from '../../src/browser/index.ts'

const TEXT = Buffer.from('nydus '.repeat(50_000))

describe('gunzipCapped', () => {
  it.each([
    ['nothing', gzipSync(''), 0],
    ['one member', gzipSync(TEXT), TEXT.length],
    [
      'several members',
      Buffer.concat([gzipSync('a'), gzipSync(TEXT), gzipSync(''), gzipSync('bc')]),
      TEXT.length + 3,
    ],
    ['stored blocks', gzipSync(TEXT, { level: 0 }), TEXT.length],
  ])('decompresses %s', (_, file, size) => {
    const found = gunzipCapped(file, size)
    expect(found).toHaveLength(size)
    expect(Buffer.from(found).includes('nydus nydus')).toBe(size > 100)
  })
  it('stops at the cap', () => {
    const bomb = gzipSync(new Uint8Array(50 << 20))
    expect(() => gunzipCapped(bomb, 1000)).toThrowError(
      expect.objectContaining({ code: 'ERR_DECOMPRESS_TOO_LARGE' }),
    )
    expect(() => gunzipCapped(gzipSync(TEXT), TEXT.length - 1)).toThrowError(
      expect.objectContaining({ code: 'ERR_DECOMPRESS_TOO_LARGE' }),
    )
  })
  it('refuses a file cut at any byte', () => {
    const file = gzipSync('nydus '.repeat(40))
    for (let length = 0; length < file.length; length++) {
      expect(() => gunzipCapped(file.subarray(0, length), 1000)).toThrowError(
        expect.objectContaining({ code: 'ERR_DECOMPRESS_FAILED' }),
      )
    }
  })
  it('takes every flipped bit as damage or as other content, never as an error of ours', () => {
    const file = new Uint8Array(gzipSync('nydus '.repeat(40)))
    let refused = 0
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = file.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        gunzipCapped(damaged, 1000)
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_DECOMPRESS/) })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(20)
  })
})
