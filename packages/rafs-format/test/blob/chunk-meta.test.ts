// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type ChunkMeta, chunkMetaSize, decodeChunkMeta, encodeChunkMeta } from '../../src/index.ts'

const CHUNK: ChunkMeta = {
  uncompressedOffset: 0x1000,
  uncompressedSize: 5000,
  compressedOffset: 9,
  compressedSize: 71,
  compressed: true,
  encrypted: false,
}

function words(bytes: Uint8Array): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: bytes.length / 8 }, (_, i) =>
    view
      .getBigUint64(i * 8, true)
      .toString(16)
      .padStart(16, '0'),
  )
}

describe('chunk records', () => {
  it('version 1 packs the bits as documented', () => {
    expect(words(encodeChunkMeta(1, [CHUNK]))).toEqual(['0138700000001000', '0004600000000009'])
    const extreme = {
      ...CHUNK,
      uncompressedSize: 2 ** 24,
      compressedSize: 2 ** 24 - 1,
      uncompressedOffset: 2 ** 44 - 4096,
      compressedOffset: 2 ** 40 - 1,
    }
    expect(words(encodeChunkMeta(1, [extreme]))).toEqual(['ffffffffffffff00', 'ffffefffffffffff'])
    expect(decodeChunkMeta(1, encodeChunkMeta(1, [extreme]), 0)).toEqual(extreme)
  })
  it('version 2 packs the bits as documented', () => {
    expect(words(encodeChunkMeta(2, [{ ...CHUNK, crc32c: 0xdead_beef }]))).toEqual([
      '1100138700000001',
      '0000470000000009',
      '00000000deadbeef',
    ])
    expect(
      words(encodeChunkMeta(2, [{ ...CHUNK, compressedSize: 0, batch: { context: 3, offset: 0x1234 } }])),
    ).toEqual(['0500138700000001', '0000000000000009', '0000000300001234'])
  })
  it.each([
    [1, CHUNK],
    [1, { ...CHUNK, compressedSize: 5000, compressed: false }],
    [2, CHUNK],
    [2, { ...CHUNK, encrypted: true, compressed: false }],
    [2, { ...CHUNK, crc32c: 0 }],
    [2, { ...CHUNK, crc32c: 0xffff_ffff }],
    [2, { ...CHUNK, zran: { context: 0xffff_ffff, offset: 0xffff_ffff } }],
    [
      2,
      {
        ...CHUNK,
        uncompressedSize: 2 ** 24,
        compressedSize: 2 ** 24 - 1,
        uncompressedOffset: 2 ** 44 - 4096,
        compressedOffset: 2 ** 40 - 1,
      },
    ],
  ] as const)('version %d reads what it wrote: %j', (version, chunk) => {
    const array = encodeChunkMeta(version, [chunk, chunk])
    expect(array).toHaveLength(2 * chunkMetaSize(version))
    expect(decodeChunkMeta(version, array, chunkMetaSize(version))).toEqual(chunk)
  })
  it.each([
    [1, { uncompressedOffset: 1 }, 'ERR_FORMAT_MISALIGNED'],
    [1, { uncompressedOffset: 2 ** 44 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { compressedOffset: 2 ** 40 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { compressedOffset: -1 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { uncompressedSize: 0 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { uncompressedSize: 2 ** 24 + 1 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { compressedSize: 0 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { compressed: false }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [1, { encrypted: true }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [2, { compressedSize: 2 ** 24 }, 'ERR_FORMAT_OUT_OF_RANGE'],
    [2, { uncompressedSize: 1.5 }, 'ERR_FORMAT_OUT_OF_RANGE'],
  ] as const)('version %d refuses %j', (version, change, code) => {
    expect(() => encodeChunkMeta(version, [{ ...CHUNK, ...change }])).toThrowError(
      expect.objectContaining({ code }),
    )
  })
  it('version 2 refuses flags that contradict each other', () => {
    for (const flags of [0x06, 0x12, 0x14]) {
      const array = encodeChunkMeta(2, [CHUNK])
      array[7] = flags
      expect(() => decodeChunkMeta(2, array, 0)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
      )
    }
  })
})
