// SPDX-License-Identifier: Apache-2.0
import type { ChunkInfo } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { describe, expect, it } from 'vitest'
import { layoutOfRecords } from '../src/chunk-layout.ts'
import { firstChunkAt, shareChunkBounds } from '../src/shared-view.ts'
import { stargzLayout } from '../src/stargz-layout.ts'

function record(chunkIndex: number, uncompressedOffset: number, change: Partial<ChunkInfo> = {}): ChunkInfo {
  return {
    digest: new Uint8Array(32).fill(chunkIndex + 1),
    ...{ blobIndex: 0, flags: CHUNK_FLAGS.COMPRESSED, compressedSize: 50, uncompressedSize: 100 },
    ...{ compressedOffset: chunkIndex * 50, uncompressedOffset, fileOffset: 0, chunkIndex, crc32c: 0 },
    ...change,
  }
}

describe('layoutOfRecords', () => {
  it('says of each chunk what its record says', () => {
    const layout = layoutOfRecords([record(0, 0), record(1, 100, { flags: 0x14, crc32c: 7 })], 2, 'b')
    expect(layout.chunkCount).toBe(2)
    expect(layout.uncompressedEnd).toBe(200)
    expect(layout.chunk(1)).toEqual({
      ...{ uncompressedOffset: 100, uncompressedSize: 100, compressedOffset: 50, compressedSize: 50 },
      ...{ compressed: false, encrypted: true, crc32c: 7 },
    })
    expect(layout.digest(1)).toEqual(new Uint8Array(32).fill(2))
    expect(() => layout.chunk(2)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
    expect(() => layout.batchContext(0)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
  })

  it('keeps places for chunks that the image does not show, and finds what is between them', () => {
    const layout = layoutOfRecords([record(1, 100), record(4, 500)], 6, 'b')
    expect(Array.from({ length: 6 }, (_, i) => layout.chunk(i).uncompressedSize)).toEqual([
      0, 100, 0, 0, 100, 0,
    ])
    const bounds = shareChunkBounds(layout)
    expect([...bounds.chunkStarts]).toEqual([0, 100, 200, 200, 500, 600])
    expect([0, 99, 100, 199, 200, 500, 599, 600].map((at) => firstChunkAt(bounds, at))).toEqual([
      1, 1, 1, 1, 4, 4, 4, 6,
    ])
  })

  it('counts the chunks itself where the image does not', () => {
    expect(layoutOfRecords([record(0, 0), record(1, 100)], 0, 'b').chunkCount).toBe(2)
    expect(layoutOfRecords([], 0, 'b')).toMatchObject({ chunkCount: 0, uncompressedEnd: 0 })
  })

  it('knows no digest where the record has zeros', () => {
    expect(layoutOfRecords([record(0, 0, { digest: new Uint8Array(32) })], 1, 'b').digest(0)).toBeUndefined()
  })

  it.each([
    ['a number beyond the count', [record(2, 0)], 2],
    ['a number that no blob can have', [record(2 ** 24, 0)], 0],
    ['two chunks in one place', [record(0, 0), record(1, 50)], 2],
    ['chunks out of order', [record(1, 0), record(0, 100)], 2],
    ['one number twice', [record(0, 0), record(0, 100)], 2],
    ['a chunk without bytes', [record(0, 0, { uncompressedSize: 0 })], 1],
  ])('refuses %s', (_, records, count) => {
    expect(() => layoutOfRecords(records, count, 'b')).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
  })
})

describe('stargzLayout', () => {
  it('reads as much as a chunk can take, up to the end of the blob', () => {
    const layout = stargzLayout(layoutOfRecords([record(0, 0), record(1, 100)], 2, 'b'), 120, 'b')
    expect(layout.chunk(0)).toMatchObject({ compressedOffset: 0, compressedSize: 120, compressed: true })
    expect(layout.chunk(1)).toMatchObject({ compressedOffset: 50, compressedSize: 70 })
    const large = stargzLayout(layoutOfRecords([record(0, 0)], 1, 'b'), 10_000, 'b')
    expect(large.chunk(0).compressedSize).toBe(100 + 10 + 8 + 5 + 128)
  })

  it('refuses a chunk behind the end of the blob', () => {
    const layout = stargzLayout(layoutOfRecords([record(1, 0)], 2, 'b'), 50, 'b')
    expect(() => layout.chunk(1)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
  })
})
