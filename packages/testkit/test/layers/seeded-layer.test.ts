// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { seededLayer } from '../../src/layers/seeded-layer.ts'

describe('seededLayer', () => {
  it('gives the same bytes for the same seed only', () => {
    const make = (seed: number) => Buffer.from(seededLayer({ seed, files: 4, maxFileBytes: 5000 }))
    expect(make(1).equals(make(1))).toBe(true)
    expect(make(1).equals(make(2))).toBe(false)
  })
})
