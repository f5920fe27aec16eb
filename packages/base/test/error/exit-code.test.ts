// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { EXIT_STATUS, exitStatusOf, NydusError } from '../../src/error/index.ts'

describe('exitStatusOf', () => {
  it.each([
    ['ERR_FORMAT_CORRUPT', 3],
    ['ERR_REFERENCE_INVALID', 2],
    ['ERR_REGISTRY_TIMEOUT', 4],
    ['ERR_CACHE_NO_SPACE', 5],
    ['ERR_INTERRUPTED', 130],
  ] as const)('%s ends with %d', (code, status) =>
    expect(exitStatusOf(new NydusError(code, 'x'))).toBe(status),
  )

  it('takes everything else for a bug', () => {
    for (const thrown of [new Error('x'), 'x', undefined]) expect(exitStatusOf(thrown)).toBe(70)
  })
  it('uses the documented statuses only', () => {
    expect(new Set(Object.values(EXIT_STATUS))).toEqual(new Set([2, 3, 4, 5, 130]))
  })
})
