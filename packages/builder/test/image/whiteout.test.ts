// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { whiteoutOf } from '../../src/image/whiteout.ts'

describe('whiteoutOf', () => {
  it.each<[string, unknown]>([
    ['file', { kind: 'none' }],
    ['.wh', { kind: 'none' }],
    ['x.wh.y', { kind: 'none' }],
    ['.wh.x', { kind: 'remove', name: 'x' }],
    ['.wh..x', { kind: 'remove', name: '.x' }],
    ['.wh..wh..opq', { kind: 'opaque' }],
    ['.wh..wh.plnk', { kind: 'remove', name: '.wh.plnk' }],
    ['.wh.', { kind: 'remove', name: '' }],
  ])('%s', (name, expected) => expect(whiteoutOf(name)).toEqual(expected))
})
