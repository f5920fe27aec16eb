// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  areReady,
  bitmapBytes,
  ChunkMapHeader,
  chunkMapFileBytes,
  clearReady,
  countReady,
  isReady,
  setReady,
} from '../src/chunk-map.ts'
import * as golden from './golden.ts'

describe('readiness bits', () => {
  it('counts from the most significant bit', () => {
    const bits = new Uint8Array(2)
    setReady(bits, 0)
    setReady(bits, 9)
    expect([...bits]).toEqual([0b1000_0000, 0b0100_0000])
    expect([isReady(bits, 0), isReady(bits, 1), isReady(bits, 9)]).toEqual([true, false, true])
    clearReady(bits, 0)
    expect([...bits]).toEqual([0, 0b0100_0000])
  })

  it('sets, clears and counts like a set of numbers', () => {
    const bits = new Uint8Array(new SharedArrayBuffer(bitmapBytes(77)))
    const model = new Set<number>()
    let state = 7
    for (let step = 0; step < 2000; step++) {
      state = (state * 1103515245 + 12345) & 0x7fff_ffff
      const index = state % 77
      if (state % 3 === 0) {
        clearReady(bits, index)
        model.delete(index)
      } else {
        setReady(bits, index)
        model.add(index)
      }
      expect(isReady(bits, index)).toBe(model.has(index))
    }
    expect(countReady(bits, 77)).toBe(model.size)
    expect(areReady(bits, 0, 76)).toBe(model.size === 77)
  })

  it('reads the map of the original', () => {
    const stored = Object.entries(golden.cacheFixture('cache-v6-some').outputs).find(([name]) =>
      name.endsWith('.chunk_map'),
    )?.[1]
    if (stored === undefined) throw new Error('no map')
    const file = golden.load(stored)
    expect(file).toHaveLength(chunkMapFileBytes(22))
    expect(ChunkMapHeader.decode(file)).toEqual({
      magic: 0x424d4150,
      version: 1,
      magic2: 0x434d4150,
      allReady: 0,
    })
    const bits = new Uint8Array(file.subarray(4096))
    expect(Array.from({ length: 22 }, (_, i) => i).filter((i) => isReady(bits, i))).toEqual(
      Array.from({ length: 17 }, (_, i) => i + 5),
    )
  })
})
