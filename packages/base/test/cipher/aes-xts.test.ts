// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { decryptXts, encryptXts } from '../../src/cipher/index.ts'

const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const context = {
  key: fromHex('0011223344556677889900112233445566778899aabbccddeeff001122334455'),
  iv: new Uint8Array(16).fill(7),
}

describe('aes-128-xts', () => {
  it('gives the published vectors of IEEE 1619 (2 and 15: ciphertext stealing)', () => {
    const two = { key: fromHex('1'.repeat(32) + '2'.repeat(32)), iv: fromHex(`3333333333${'00'.repeat(11)}`) }
    expect(Buffer.from(encryptXts(fromHex('44'.repeat(32)), two)).toString('hex')).toBe(
      'c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0',
    )
    const fifteen = {
      key: fromHex('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0'),
      iv: fromHex(`9a78563412${'00'.repeat(11)}`),
    }
    expect(
      Buffer.from(encryptXts(fromHex('000102030405060708090a0b0c0d0e0f10'), fifteen)).toString('hex'),
    ).toBe('6c1625db4671522d3d7599601de7ca09ed')
  })

  it.each([0, 1, 2, 15, 16, 17, 18, 19, 31, 32, 33, 4096, 4097])('brings back %i bytes', (size) => {
    const plain = Uint8Array.from({ length: size }, (_, i) => (i * 7) & 0xff)
    const encrypted = encryptXts(plain, context)
    expect(encrypted.length).toBe(size < 16 ? 18 : size)
    expect(decryptXts(encrypted, context)).toEqual(plain)
  })

  it('refuses a key with equal halves, wrong lengths and a short buffer', () => {
    const plain = new Uint8Array(32)
    const code = expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' })
    expect(() => encryptXts(plain, { ...context, key: new Uint8Array(32).fill(1) })).toThrow(code)
    expect(() => encryptXts(plain, { ...context, key: context.key.subarray(1) })).toThrow(code)
    expect(() => decryptXts(plain, { ...context, iv: new Uint8Array(12) })).toThrow(code)
    expect(() => decryptXts(plain.subarray(17), context)).toThrow(code)
  })
})
