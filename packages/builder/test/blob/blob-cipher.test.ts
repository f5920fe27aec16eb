// SPDX-License-Identifier: Apache-2.0
import { decryptXts, encryptXts } from '@nydus/base/cipher'
import { describe, expect, it } from 'vitest'
import { randomCipher } from '../../src/blob/blob-cipher.ts'

describe('randomCipher', () => {
  it('gives another key each time, one that works', () => {
    const [a, b] = [randomCipher(), randomCipher()]
    expect(a.key).not.toEqual(b.key)
    expect(a.iv).not.toEqual(b.iv)
    const plain = new Uint8Array(100).fill(7)
    expect(decryptXts(encryptXts(plain, a), a)).toEqual(plain)
  })

  it('draws again when the halves of a key are equal', () => {
    const draws = [new Uint8Array(32), new Uint8Array(32).fill(1, 16), new Uint8Array(16).fill(2)]
    const { key, iv } = randomCipher(() => draws.shift() as Uint8Array)
    expect(key).toEqual(new Uint8Array(32).fill(1, 16))
    expect(iv).toEqual(new Uint8Array(16).fill(2))
  })
})
