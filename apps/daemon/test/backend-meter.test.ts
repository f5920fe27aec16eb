// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createBackendMeter } from '../src/backend-meter.ts'

describe('the meter of a backend', () => {
  it.each([
    [1023, 0],
    [1024, 1],
    [4096, 2],
    [65_535, 3],
    [65_536, 4],
    [131_072, 5],
    [524_288, 6],
    [1_048_576, 7],
    [9_000_000, 7],
  ])('puts %d bytes into class %d', (bytes, expected) => {
    const meter = createBackendMeter()
    meter.count(bytes, 30)
    const counts = meter.counts()
    expect(counts.readsBySize.indexOf(1)).toBe(expected)
    expect(counts.millisecondsBySize[expected]).toBe(30)
    expect(counts.latencyBySize[expected]).toEqual([0, 0, 1, 0, 0, 0, 0, 0])
  })

  it('adds up', () => {
    const meter = createBackendMeter()
    meter.count(10, 1)
    meter.count(20, 5000)
    expect(meter.counts()).toMatchObject({ reads: 2, bytes: 30, milliseconds: 5001 })
    expect(meter.counts().latencyBySize).toHaveLength(8)
  })
})
