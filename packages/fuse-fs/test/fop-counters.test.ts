// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { countFop, FOP_COUNTER_COUNT, FOP_NAMES, fopOf, readSizeClass, sumFops } from '../src/fop-counters.ts'
import { OPCODE } from '../src/protocol/opcodes.ts'

const counters = (): Float64Array => new Float64Array(FOP_COUNTER_COUNT)
const READ = FOP_NAMES.indexOf('read')
const LOOKUP = FOP_NAMES.indexOf('lookup')

describe('counters of requests', () => {
  it('add up over threads', () => {
    const [a, b] = [counters(), counters()]
    countFop(a, OPCODE.READ, 5000, false, 0.1)
    countFop(b, OPCODE.READ, 1_048_576, false, 3000)
    countFop(b, OPCODE.READ, -5, true, 1)
    countFop(b, OPCODE.LOOKUP, 128, false, 0)
    countFop(b, OPCODE.WRITE, 0, false, 1)
    const { hits, errors, microseconds, readSizes, readLatencies } = sumFops([a, b])
    expect([hits[READ], hits[LOOKUP], errors[READ]]).toEqual([2, 1, 1])
    expect(hits.reduce((sum, count) => sum + count, 0)).toBe(3)
    expect(microseconds[READ]).toBe(3_001_100)
    expect(readSizes).toEqual([0, 0, 1, 0, 0, 0, 0, 1])
    expect(readLatencies).toEqual([1, 0, 0, 0, 0, 0, 0, 1])
  })

  it('have the kinds of the original, in its order', () => {
    expect(FOP_NAMES).toHaveLength(15)
    expect([OPCODE.GETATTR, OPCODE.READ, OPCODE.READDIRPLUS, OPCODE.BATCH_FORGET].map(fopOf)).toEqual([
      0, 4, 11, 14,
    ])
    expect(fopOf(OPCODE.WRITE)).toBeUndefined()
  })

  it.each([
    [0, 0],
    [1024, 1],
    [1_048_575, 6],
    [1_048_576, 7],
  ])('put %d bytes into class %d', (bytes, expected) => {
    expect(readSizeClass(bytes)).toBe(expected)
  })
})
