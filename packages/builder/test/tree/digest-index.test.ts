// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { DigestIndex } from '../../src/tree/digest-index.ts'

const digestOf = (i: number) => new Uint8Array(createHash('sha256').update(String(i)).digest())

function storeOf(count: number): ChunkStore {
  const store = new ChunkStore()
  const place = {
    flags: 0,
    compressedSize: 1,
    compressedOffset: 0,
    uncompressedOffset: 0,
    fileOffset: 0,
    crc32c: 0,
  }
  for (let i = 0; i < count; i++) {
    store.add({ ...place, digest: digestOf(i), blobIndex: 0, uncompressedSize: i + 1, chunkIndex: i })
  }
  return store
}

describe('DigestIndex', () => {
  it('finds what was added, and nothing else, while it grows', () => {
    const store = storeOf(20_000)
    const index = new DigestIndex(store)
    for (let i = 0; i < 20_000; i += 2) index.add(i)
    for (let i = 0; i < 20_000; i++) expect(index.find(digestOf(i))).toBe(i % 2 === 0 ? i : undefined)
  })

  it('tells digests of one start apart', () => {
    const store = new ChunkStore()
    const place = {
      flags: 0,
      compressedSize: 1,
      compressedOffset: 0,
      uncompressedOffset: 0,
      fileOffset: 0,
      crc32c: 0,
    }
    const digest = (last: number) => new Uint8Array(32).fill(7, 0, 31).fill(last, 31)
    for (let i = 0; i < 3; i++) {
      store.add({ ...place, digest: digest(i), blobIndex: 0, uncompressedSize: 1, chunkIndex: i })
    }
    const index = new DigestIndex(store)
    index.add(0)
    index.add(1)
    expect([0, 1, 2].map((i) => index.find(digest(i)))).toEqual([0, 1, undefined])
  })
})
