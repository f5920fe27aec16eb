// SPDX-License-Identifier: Apache-2.0
// A short, reproducible fuzz run over everything that is kept in fixtures/fuzz and a sample of the seeds; and proof that it sees.
import { FormatError } from '@nydus/base/error'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusOf, seedsOf } from '../fuzz/corpus.ts'
import { mutate } from '../fuzz/mutate.ts'
import { createRandom } from '../fuzz/random.ts'
import { installMeter, LimitExceeded, measure } from '../fuzz/step-meter.ts'
import { runTarget, TARGETS, type Target } from '../fuzz/targets.ts'

const MUTATIONS = 1500

let uninstall = (): void => {}
beforeAll(() => {
  uninstall = installMeter()
})
afterAll(() => uninstall())

describe.each(TARGETS.map((target) => ({ name: target.name, target })))('$name', ({ target }) => {
  it('is harmless for every kept input', () => {
    const kept = corpusOf(target.name)
    expect(kept.length).toBeGreaterThan(0)
    for (const { name, bytes } of kept)
      expect({ name, ...runTarget(target, bytes) }).toMatchObject({ problem: undefined })
  })
  it('reads every seed, and is harmless when it is damaged', () => {
    const seeds = seedsOf(target.name)
    expect(seeds.length).toBeGreaterThan(5)
    expect(seeds.filter(({ sites }) => sites.length > 0).length).toBeGreaterThan(seeds.length * 0.8)
    const random = createRandom(20_260_101)
    const outcomes = new Set<string>()
    for (let i = 0; i < MUTATIONS; i++) {
      const seed = random.pick(seeds)
      const { signature, problem } = runTarget(target, mutate(seed, seeds, random))
      expect({ seed: seed.name, i, problem }).toEqual({ seed: seed.name, i, problem: undefined })
      outcomes.add(signature)
    }
    expect(outcomes.size).toBeGreaterThan(8)
  })
})

describe('runTarget', () => {
  const broken = (part: (bytes: Uint8Array) => undefined): Target => ({ name: 'toc', parts: { part } })
  it.each([
    ['an endless loop', (bytes: Uint8Array) => forever(() => bytes.subarray(0)), /LimitExceeded: .* steps/],
    ['hoarding', () => forever(() => new Uint8Array(1 << 12)), /LimitExceeded: .* bytes allocated/],
    ['a foreign error', () => fail(new TypeError('oops')), /TypeError: oops/],
    [
      'an error without a format code',
      () => fail(Object.assign(new Error('x'), { code: 'ERR_X' })),
      /Error: x/,
    ],
    ['a stack overflow', () => recurse(), /RangeError/],
  ] as const)('sees %s', (_, part, expected) => {
    expect(runTarget(broken(part), new Uint8Array(100)).problem).toMatch(expected)
  })
  it('takes a format error for an answer', () => {
    const outcome = runTarget(
      broken(() => fail(new FormatError('ERR_FORMAT_CORRUPT', 'blob 7: bad size: 0x12'))),
      new Uint8Array(9),
    )
    expect(outcome).toMatchObject({ problem: undefined, signature: 'ERR_FORMAT_CORRUPT blob #: bad size: #' })
  })
})

describe('measure', () => {
  it('counts fields, views and bytes, and stops at its limits', () => {
    const view = new DataView(new ArrayBuffer(8))
    const work = (): void => {
      view.getUint32(0)
      new Uint8Array(10).subarray(2).slice(1)
    }
    expect(measure({ steps: 10, allocated: 100 }, work).cost).toEqual({ steps: 2, allocated: 17 })
    expect(measure({ steps: 1, allocated: 100 }, work).error).toBeInstanceOf(LimitExceeded)
    expect(measure({ steps: 10, allocated: 16 }, work).error).toBeInstanceOf(LimitExceeded)
  })
})

function forever(step: () => unknown): undefined {
  for (;;) step()
}

function fail(error: Error): undefined {
  throw error
}

function recurse(): undefined {
  return recurse()
}
