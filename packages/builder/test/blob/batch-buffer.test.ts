// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { BatchBuffer, isBatched } from '../../src/blob/batch-buffer.ts'

describe('isBatched', () => {
  it('takes single chunks below half a batch', () => {
    expect(isBatched(2047, 1, 4096)).toBe(true)
    expect(isBatched(2048, 1, 4096)).toBe(false)
    expect(isBatched(100, 2, 4096)).toBe(false)
    expect(isBatched(0, 1, 0)).toBe(false)
  })
})

describe('BatchBuffer', () => {
  it('places chunks one behind the other, and batches one after the other', () => {
    const batch = new BatchBuffer(4096)
    expect(batch.add(new Uint8Array(10).fill(1))).toEqual({ context: 0, offset: 0 })
    expect(batch.add(new Uint8Array(20).fill(2))).toEqual({ context: 0, offset: 10 })
    expect([...batch.bytes]).toEqual([...Array(10).fill(1), ...Array(20).fill(2)])
    batch.end(7)
    expect(batch.bytes.length).toBe(0)
    expect(batch.add(new Uint8Array(5))).toEqual({ context: 1, offset: 0 })
    batch.end(5)
    expect(batch.contexts).toEqual([
      { compressedSize: 7, uncompressedSize: 30 },
      { compressedSize: 5, uncompressedSize: 5 },
    ])
  })

  it('stays below its size', () => {
    const batch = new BatchBuffer(4096)
    batch.add(new Uint8Array(2047))
    expect(batch.hasRoom(2048)).toBe(true)
    expect(batch.hasRoom(2049)).toBe(false)
  })
})
