// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openGoldens } from '../src/golden.ts'

const goldens = openGoldens()

describe('openGoldens', () => {
  it('finds fixtures by id and kind, and reads what they stored', () => {
    expect(goldens.ofKind('create').length).toBeGreaterThan(100)
    const fixture = goldens.fixture('tiny-tar-v6')
    expect(goldens.output(fixture, 'bootstrap').length).toBe(fixture.outputs?.bootstrap?.size)
    expect(goldens.tar('tiny').length).toBe(10240)
    expect(goldens.listing(goldens.layerSets[0]?.listing ?? fail()).length).toBeGreaterThan(5)
  })

  it('says what is missing and refuses bytes with another digest', () => {
    expect(() => goldens.fixture('no-such-fixture')).toThrow('no golden fixture no-such-fixture')
    const { tar } = goldens.tree('tiny')
    expect(() => goldens.read({ ...tar, sha256: '0'.repeat(64) })).toThrow('expected 000')
    expect(() => goldens.read({ ...tar, path: null })).toThrow('too big')
  })
})

function fail(): never {
  throw new Error('no layer sets')
}
