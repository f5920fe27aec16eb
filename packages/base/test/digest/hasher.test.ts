// SPDX-License-Identifier: Apache-2.0
import { blake3 as portable } from '@noble/hashes/blake3.js'
import { describe, expect, it } from 'vitest'
import { BLAKE3_IMPLEMENTATION, createHasher, digestBytes, sha256Digest } from '../../src/digest/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const HELLO = Buffer.from('hello')

describe('digestBytes', () => {
  it.each([
    ['blake3', '', 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
    ['sha256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['blake3', 'hello', 'ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f'],
    ['sha256', 'hello', '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'],
  ] as const)('%s of %j', (digester, text, expected) => {
    expect(hex(digestBytes(digester, Buffer.from(text)))).toBe(expected)
  })
  it('blake3 agrees with the portable implementation over chunk and tree boundaries', () => {
    for (const length of [1, 63, 64, 65, 1023, 1024, 1025, 4096, 100_000]) {
      const bytes = new Uint8Array(length + 3).map((_, i) => i * 7).subarray(3)
      expect(hex(digestBytes('blake3', bytes))).toBe(hex(portable(bytes)))
    }
  })
  it('names the implementation', () => expect(['native', 'portable']).toContain(BLAKE3_IMPLEMENTATION))
})

describe('createHasher', () => {
  it.each(['blake3', 'sha256'] as const)('%s in pieces equals the whole, views included', (digester) => {
    const bytes = new Uint8Array(10_000).map((_, i) => i)
    const hasher = createHasher(digester)
    for (let at = 0; at < bytes.length; at += 777) hasher.update(bytes.subarray(at, at + 777))
    expect(hex(hasher.digest())).toBe(hex(digestBytes(digester, bytes)))
  })
})

describe('sha256Digest', () => {
  it('is an OCI digest', () => {
    expect(sha256Digest(HELLO)).toBe(
      'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    )
  })
})
