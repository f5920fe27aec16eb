// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { firstChunkAt } from '../src/shared-view.ts'

describe('firstChunkAt', () => {
  const bounds = { chunkStarts: Float64Array.of(0, 4096, 12_288), chunkSizes: Uint32Array.of(10, 5000, 1) }

  it.each([
    [0, 0],
    [9, 0],
    [10, 1],
    [4096, 1],
    [9095, 1],
    [9096, 2],
    [12_288, 2],
    [12_289, 3],
    [2 ** 43, 3],
  ])('of offset %i is %i', (offset, expected) => {
    expect(firstChunkAt(bounds, offset)).toBe(expected)
  })

  it('knows blobs without chunks', () => {
    expect(firstChunkAt({ chunkStarts: new Float64Array(), chunkSizes: new Uint32Array() }, 0)).toBe(0)
  })
})
