// SPDX-License-Identifier: Apache-2.0
import type { ChunkInfo } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { ChunkStore } from '../../src/tree/chunk-store.ts'

const chunk = (chunkIndex: number): ChunkInfo => ({
  digest: new Uint8Array(32).fill(chunkIndex % 251),
  blobIndex: chunkIndex % 3,
  flags: 0x10,
  compressedSize: 1,
  uncompressedSize: 2,
  compressedOffset: 3,
  uncompressedOffset: 2 ** 40 + chunkIndex,
  fileOffset: 5,
  chunkIndex,
  crc32c: 0xffff_ffff,
})

describe('ChunkStore', () => {
  it('gives back what it took, over many pages', () => {
    const store = new ChunkStore()
    expect(store.addAll(Array.from({ length: 10_000 }, (_, i) => chunk(i)))).toBe(0)
    expect(store.addAll([chunk(7)])).toBe(10_000)
    expect(store.count).toBe(10_001)
    for (const i of [0, 4095, 4096, 9_999]) {
      const { digest, uncompressedOffset, crc32c } = store.get(i)
      expect([digest[31], uncompressedOffset, crc32c]).toEqual([i % 251, 2 ** 40 + i, 0xffff_ffff])
    }
  })

  it('maps every blob index once', () => {
    const store = new ChunkStore()
    store.addAll([chunk(0), chunk(1), chunk(2), chunk(1)])
    store.mapBlobIndexes((blobIndex) => (blobIndex + 1) % 3)
    expect([0, 1, 2, 3].map((i) => store.get(i).blobIndex)).toEqual([1, 2, 0, 2])
  })

  it('refuses indexes that it does not have', () => {
    expect(() => new ChunkStore().get(0)).toThrow(RangeError)
  })
})
