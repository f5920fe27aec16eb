// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { ChunkSlices } from '../../src/blob/chunk-slices.ts'

describe('ChunkSlices', () => {
  it('gives back what it took', () => {
    const slices = new ChunkSlices()
    const values = Array.from({ length: 5000 }, (_, i) =>
      i % 3 === 0 ? undefined : { context: i, offset: 0xffff_ffff - i },
    )
    for (const value of values) slices.push(value)
    expect(values.map((_, i) => slices.at(i))).toEqual(values)
    expect(() => slices.at(5000)).toThrow(RangeError)
  })
})
