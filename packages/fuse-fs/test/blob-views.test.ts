// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createBlobViews, isRangeReady } from '../src/blob-views.ts'

/** Ten chunks of 100 bytes, with a gap of 50 bytes before the sixth; `ready` are the numbers of those that are there. */
function view(ready: readonly number[]) {
  const starts = Array.from({ length: 10 }, (_, index) => index * 100 + (index >= 5 ? 50 : 0))
  const readyBits = new Uint8Array(new SharedArrayBuffer(2))
  for (const index of ready) readyBits[index >> 3] = (readyBits[index >> 3] ?? 0) | (0x80 >> (index & 7))
  return {
    blobIndex: 3,
    fd: -1,
    uncompressedSize: 1050,
    chunkStarts: Float64Array.from(starts),
    chunkSizes: new Uint32Array(10).fill(100),
    readyBits,
  }
}
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

describe('isRangeReady', () => {
  it('wants every chunk that a range touches', () => {
    expect(isRangeReady(view([1]), 100, 100)).toBe(true)
    expect(isRangeReady(view([1]), 199, 1)).toBe(true)
    expect(isRangeReady(view([1]), 199, 2)).toBe(false)
    expect(isRangeReady(view([1]), 99, 2)).toBe(false)
    expect(isRangeReady(view([1, 2, 3]), 150, 200)).toBe(true)
    expect(isRangeReady(view([1, 3]), 150, 200)).toBe(false)
  })

  it('takes bits from the most significant on, across bytes', () => {
    for (const index of ALL) {
      const start = view([]).chunkStarts[index] ?? 0
      for (const other of ALL)
        expect(isRangeReady(view([other]), start, 100), `${index} ${other}`).toBe(index === other)
    }
  })

  it('does not trust gaps between chunks nor what is behind the blob', () => {
    expect(isRangeReady(view(ALL), 450, 100)).toBe(false)
    expect(isRangeReady(view(ALL), 510, 10)).toBe(false)
    expect(isRangeReady(view(ALL), 1000, 51)).toBe(false)
    expect(isRangeReady(view(ALL), 1000, 50)).toBe(true)
    expect(
      isRangeReady({ ...view(ALL), chunkStarts: Float64Array.of(10), chunkSizes: Uint32Array.of(5) }, 0, 12),
    ).toBe(false)
  })

  it('says no for a map that is too short', () => {
    expect(isRangeReady({ ...view(ALL), readyBits: new Uint8Array(1) }, 950, 10)).toBe(false)
    expect(
      isRangeReady({ ...view(ALL), chunkStarts: new Float64Array(0), chunkSizes: new Uint32Array(0) }, 0, 1),
    ).toBe(false)
  })
})

describe('createBlobViews', () => {
  it('finds a view by the index of its blob', () => {
    const views = createBlobViews()
    expect(views.get(3)).toBeUndefined()
    views.add(3, view([]))
    expect(views.get(3)?.uncompressedSize).toBe(1050)
    expect(views.get(0)).toBeUndefined()
  })
})
