// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from 'vitest'
import { crc32c, crc32cPortable } from '../../src/binary/crc32c.ts'

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

function pseudoRandom(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0, x = 7; i < length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

describe('crc32c', () => {
  it.each([
    ['', 0],
    ['hello', 0x9a71bb4c],
    ['123456789', 0xe3069283],
  ])('of %j is known', (text, expected) => {
    expect(crc32c(new TextEncoder().encode(text))).toBe(expected)
    expect(crc32cPortable(new TextEncoder().encode(text))).toBe(expected)
  })

  it('knows the vectors of RFC 3720 B.4', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  })

  it('equals the bitwise definition at every length and alignment up to 300', () => {
    const bytes = pseudoRandom(320)
    for (let length = 0; length <= 300; length++) {
      const part = bytes.subarray(length % 17, (length % 17) + length)
      const expected = bitwise(part)
      expect([length, crc32c(part), crc32cPortable(part)]).toEqual([length, expected, expected])
    }
  })

  it('equals the table at every length where folding begins', () => {
    const bytes = pseudoRandom(7200)
    for (let length = 6600; length <= 7200; length += 7) {
      expect([length, crc32c(bytes.subarray(0, length))]).toEqual([
        length,
        crc32cPortable(bytes.subarray(0, length)),
      ])
    }
  })

  it.each([6_687, 6_688, 6_704, 10_001, 65_535, 65_536, 65_537, 131_072 + 16, 1 << 20])(
    'goes over its buffer size: %i bytes',
    (length) => {
      const bytes = pseudoRandom(length)
      expect(crc32c(bytes)).toBe(bitwise(bytes))
      expect(crc32cPortable(bytes)).toBe(bitwise(bytes))
    },
  )

  it('takes views of shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1000)).subarray(3, 900)
    shared.set(pseudoRandom(897))
    expect(crc32c(shared)).toBe(bitwise(pseudoRandom(897)))
  })
})

describe('crc32c without WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it.each([
    ['missing', undefined],
    [
      'forbidden',
      {
        Module: class {
          constructor() {
            throw new Error('Wasm code generation disallowed by embedder')
          }
        },
      },
    ],
  ])('gives the same where it is %s', async (_, global) => {
    vi.stubGlobal('WebAssembly', global)
    vi.resetModules()
    const { crc32c: restricted } = await import('../../src/binary/crc32c.ts')
    const bytes = pseudoRandom(70_001)
    expect(restricted(bytes)).toBe(bitwise(bytes))
  })
})
