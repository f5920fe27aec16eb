// SPDX-License-Identifier: Apache-2.0
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { openChunkDict } from '../../src/chunk/chunk-dict.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'

const bootstrap = readOutput(fixtureOf('dict-source-v6'), 'bootstrap')

describe('openChunkDict', () => {
  it('finds every chunk of a bootstrap by digest and size', () => {
    const dict = openChunkDict(bootstrap)
    const chunks = [...openBootstrap(bootstrap).chunkTable()]
    expect(chunks.length).toBeGreaterThan(10)
    for (const chunk of chunks) {
      expect(dict.find(chunk.digest, chunk.uncompressedSize)).toEqual(chunk)
      expect(dict.find(chunk.digest, chunk.uncompressedSize + 1)).toBeUndefined()
    }
    expect(dict.find(new Uint8Array(32), 5)).toBeUndefined()
    expect([dict.chunkSize, dict.digester, dict.blobs.length]).toEqual([0x100000, 'blake3', 1])
  })

  it('refuses what is no bootstrap', () => {
    expect(() => openChunkDict(new Uint8Array(9000))).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_BAD_MAGIC' }),
    )
  })

  it('leaves out batched chunks, which have no place of their own', () => {
    const batched = readOutput(fixtureOf('mixed-v6-batch-0x100000'), 'bootstrap')
    const dict = openChunkDict(batched)
    const chunks = [...openBootstrap(batched).chunkTable()]
    const found = chunks.filter(
      ({ digest, uncompressedSize }) => dict.find(digest, uncompressedSize) !== undefined,
    )
    expect(found.length).toBeLessThan(chunks.length)
    for (const { compressedSize } of found) expect(compressedSize).toBeGreaterThan(0)
  })
})
