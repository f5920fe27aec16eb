// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { normalMountPath } from '../src/mount-path.ts'

describe('normalMountPath', () => {
  it.each([
    ['/', '/'],
    ['/a', '/a'],
    ['/a/', '/a'],
    ['//a//b/./', '/a/b'],
    ['/..a/b..', '/..a/b..'],
  ])('%s is %s', (given, expected) => {
    expect(normalMountPath(given)).toBe(expected)
  })

  it.each(['', 'a', './a', '/..', '/a/../b', '/a\0b'])('refuses %j', (given) => {
    expect(() => normalMountPath(given)).toThrow(expect.objectContaining({ reason: 'path' }))
  })
})
