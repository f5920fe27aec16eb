// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { formatBytes, formatSeconds, shortDigest } from '../../src/render/format.ts'

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [999_949, '1.00 MB'],
    [4_510_000, '4.51 MB'],
    [123_456_789, '123 MB'],
    [2.5e12, '2.50 TB'],
  ])('%i bytes are %s', (bytes, expected) => {
    expect(formatBytes(bytes)).toBe(expected)
  })

  it('shortens times and digests', () => {
    expect(formatSeconds(3249)).toBe('3.2 s')
    expect(shortDigest(`sha256:${'abc123'.repeat(4)}`)).toBe('abc123abc123')
  })
})
