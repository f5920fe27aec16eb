// SPDX-License-Identifier: Apache-2.0
import { zstdDecompressSync } from 'node:zlib'
import { decompressExact } from '@nydus/base/compress'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createChunkCompressor, zstdOneShot } from '../../src/chunk/chunk-compressor.ts'
import { noise, prose } from '../layer-bytes.ts'

const SIZES = [1, 20, 511, 4096, 16_384, 16_385, 100_000, 131_072, 131_073, 262_145, 1 << 20]

describe('createChunkCompressor', () => {
  it.each(['zstd', 'lz4_block'] as const)(
    '%s gives blocks that decode, only where they are smaller',
    (name) => {
      const compress = createChunkCompressor(name)
      for (const size of SIZES) {
        expect(compress(noise(size))).toBeUndefined()
        const stored = compress(prose(size))
        if (stored === undefined) expect(size).toBeLessThan(200)
        else expect(Buffer.compare(decompressExact(name, stored, size), prose(size))).toBe(0)
      }
      expect(compress(new Uint8Array(0))).toBeUndefined()
    },
  )

  it('none never compresses', () => {
    expect(createChunkCompressor('none')(prose(5000))).toBeUndefined()
  })

  it('gives the bytes of a fresh context after any other chunk', () => {
    const compress = createChunkCompressor('zstd')
    for (let round = 0; round < 60; round++) {
      const chunk = prose(SIZES[(round * 7) % SIZES.length] as number, round)
      const stored = compress(chunk)?.slice()
      const fresh = zstdOneShot(chunk)
      expect(Buffer.compare(stored ?? chunk, fresh.length < chunk.length ? fresh : chunk)).toBe(0)
    }
  })
})

describe('zstdOneShot', () => {
  it('writes one frame with the content size and no checksum', () => {
    const frame = zstdOneShot(prose(300_000))
    // Descriptor: 4-byte content size, single segment, no checksum, no dictionary.
    expect([...frame.subarray(0, 9)]).toEqual([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xe0, 0x93, 0x04, 0x00])
    expect(Buffer.compare(zstdDecompressSync(frame), prose(300_000))).toBe(0)
  })
})

describe('without a usable handle in node:zlib', () => {
  afterEach(() => {
    vi.doUnmock('../../src/decode/zlib-handle.ts')
    vi.resetModules()
  })

  it.each([
    ['missing', () => undefined],
    ['lying', () => ({ step: () => ({ read: 1, written: 1 }), close: () => undefined })],
    [
      'that throws',
      () => ({
        step: () => {
          throw new Error('changed')
        },
      }),
    ],
  ])('uses the public function: handle %s', async (_, openZlibHandle) => {
    vi.doMock('../../src/decode/zlib-handle.ts', () => ({ openZlibHandle }))
    vi.resetModules()
    const { createChunkCompressor: create } = await import('../../src/chunk/chunk-compressor.ts')
    const chunk = prose(50_000)
    expect(zstdDecompressSync(create('zstd')(chunk) as Uint8Array).equals(chunk)).toBe(true)
  })

  it('falls back to the thread pool for decoding', async () => {
    vi.doMock('../../src/decode/zlib-handle.ts', () => ({ openZlibHandle: () => undefined }))
    vi.resetModules()
    const { canInflate } = await import('../../src/decode/layer-inflater.ts')
    expect([canInflate('gzip'), canInflate('zstd')]).toEqual([false, false])
  })
})

it('this Node has the handle: the fast way is the one that is tested', async () => {
  const { canInflate } = await import('../../src/decode/layer-inflater.ts')
  expect([canInflate('gzip'), canInflate('zstd')]).toEqual([true, true])
})
