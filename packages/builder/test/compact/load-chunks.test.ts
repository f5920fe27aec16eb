// SPDX-License-Identifier: Apache-2.0
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, test } from 'vitest'
import { loadChunks } from '../../src/compact/load-chunks.ts'
import { blobChunkReader } from '../blob-chunk-reader.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'
import { goldenBlob } from '../golden-blobs.ts'

const source = openBootstrap(readOutput(fixtureOf('mixed-tar-v6-zstd-blake3'), 'bootstrap'))
const chunks = [...source.chunkTable()].sort((a, b) => a.compressedOffset - b.compressedOffset)

/** Counts both kinds of reads. */
function countingReader(damage: (blob: Uint8Array) => Uint8Array = (blob) => blob) {
  const reader = blobChunkReader(source, ({ blobId }) => ({ data: damage(goldenBlob(blobId)) }))
  const counts = { decoded: 0, stored: 0 }
  const counting: typeof reader = {
    ...reader,
    readChunk(...args) {
      counts.decoded += 1
      return reader.readChunk(...args)
    },
    readStored(...args) {
      counts.stored += 1
      return reader.readStored(...args)
    },
  }
  return { counts, reader: counting }
}

describe('loadChunks', () => {
  test('neighbours come with one read, as they are stored', async () => {
    const { counts, reader } = countingReader()
    const blob = goldenBlob(source.blobs[0]?.blobId ?? '')
    let count = 0
    for await (const { chunk, stored } of loadChunks(source, chunks, 'zstd', reader)) {
      expect(chunk).toBe(chunks[count++])
      const end = chunk.compressedOffset + chunk.compressedSize
      expect(Buffer.from(stored).equals(blob.subarray(chunk.compressedOffset, end))).toBe(true)
    }
    expect(count).toBe(chunks.length)
    expect(counts).toEqual({ decoded: 0, stored: 1 })
  })

  test('for another compressor what is compressed is decoded, one by one', async () => {
    const { counts, reader } = countingReader()
    for await (const { chunk, stored, compressed } of loadChunks(source, chunks, 'none', reader)) {
      expect([stored.length, compressed]).toEqual([chunk.uncompressedSize, false])
    }
    expect(counts.decoded).toBe(chunks.filter(({ flags }) => (flags & 1) !== 0).length)
  })

  test('damage does not get into a new blob', async () => {
    const { reader } = countingReader((blob) => blob.map((byte, i) => (i === 40 ? byte ^ 1 : byte)))
    const loading = (async () => {
      for await (const _ of loadChunks(source, chunks, 'zstd', reader));
    })()
    await expect(loading).rejects.toMatchObject({ name: 'DigestError' })
  })
})
