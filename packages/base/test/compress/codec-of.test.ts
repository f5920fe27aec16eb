// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Compressor, codecOf, decompressExact } from '../../src/compress/index.ts'

const NAMES: readonly Compressor[] = ['none', 'lz4_block', 'gzip', 'zstd']
const TEXT = Buffer.from('hello nydus '.repeat(1000))

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'ok'
}

describe.each(NAMES)('%s', (name) => {
  const codec = codecOf(name)
  const stored = codec.compress(TEXT)

  it('decompresses what it compressed, whatever the content', () => {
    for (const bytes of [
      TEXT,
      new Uint8Array(0),
      new Uint8Array([65]),
      randomBytes(70_000),
      new Uint8Array(1 << 20),
    ]) {
      const result = codec.decompress(codec.compress(bytes), bytes.length)
      expect(Buffer.compare(result, bytes)).toBe(0)
    }
    expect(codec.name).toBe(name)
  })
  it('takes a cap above the size', () => {
    expect(codec.decompress(stored, 64 << 20)).toHaveLength(TEXT.length)
  })
  it('stops at the cap, down to 0', () => {
    for (const cap of [TEXT.length - 1, 100, 1, 0]) {
      expect(codeOf(() => codec.decompress(stored, cap))).toBe('ERR_DECOMPRESS_TOO_LARGE')
    }
    expect(codeOf(() => codec.decompress(codec.compress(new Uint8Array([65])), 0))).toBe(
      'ERR_DECOMPRESS_TOO_LARGE',
    )
  })
  it('reads shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(stored.length))
    shared.set(stored)
    expect(Buffer.compare(codec.decompress(shared, TEXT.length), TEXT)).toBe(0)
  })
  it('meets input cut at any byte with a coded error or a shorter result', () => {
    for (let length = 0; length < stored.length; length += name === 'none' ? 997 : 1) {
      const code = codeOf(() => decompressExact(name, stored.subarray(0, length), TEXT.length))
      expect(['ERR_DECOMPRESS_FAILED', 'ERR_SIZE_MISMATCH']).toContain(code)
    }
  })
  it('meets any flipped bit with a coded error or another result of at most the cap', () => {
    for (let bit = 0; bit < Math.min(stored.length, 200) * 8; bit++) {
      const damaged = Uint8Array.from(stored)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(['ok', 'ERR_DECOMPRESS_FAILED', 'ERR_DECOMPRESS_TOO_LARGE']).toContain(
        codeOf(() => expect(codec.decompress(damaged, TEXT.length).length).toBeLessThanOrEqual(TEXT.length)),
      )
    }
  })
})

describe('decompressExact', () => {
  it.each(NAMES)('refuses %s data of another size', (name) => {
    const stored = codecOf(name).compress(TEXT)
    expect(codeOf(() => decompressExact(name, stored, TEXT.length + 1))).toBe('ERR_SIZE_MISMATCH')
    expect(codeOf(() => decompressExact(name, stored, TEXT.length - 1))).toBe('ERR_DECOMPRESS_TOO_LARGE')
    expect(decompressExact(name, stored, TEXT.length)).toHaveLength(TEXT.length)
  })
})

describe('zstd', () => {
  it('writes what the original writes: one frame with its content size and no checksum', () => {
    const frame = codecOf('zstd').compress(TEXT)
    expect(Buffer.from(frame.subarray(0, 7)).toString('hex')).toBe('28b52ffd' + '60' + 'e02d')
  })
})

describe('lz4_block', () => {
  it('has no size prefix', () => {
    const block = codecOf('lz4_block').compress(Buffer.from('abc'))
    expect(Buffer.from(block).toString('hex')).toBe('30616263')
  })
})
