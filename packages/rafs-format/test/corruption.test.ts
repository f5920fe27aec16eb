// SPDX-License-Identifier: Apache-2.0
// Bootstraps that were damaged one field at a time, and what the original said: what it refuses is refused here too.

import { isNydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import { dumpBootstrap, openBootstrap, validateBootstrap } from '../src/index.ts'
import { fixture, load, output, type StoredFile } from './golden.ts'

interface CorruptCase {
  readonly op: 'truncate' | 'write' | 'append' | 'zeros'
  readonly offset?: number
  readonly size?: number
  readonly hex?: string
  readonly check_exit: number
}

/** What the original's check accepts but ours does not: damage all the same. */
const STRICTER = { 5: 12, 6: 7 } as const

function casesOf(version: 5 | 6): readonly CorruptCase[] {
  const { cases } = fixture(`corrupt-bootstrap-v${version}`) as unknown as { cases: StoredFile }
  const lines = new TextDecoder().decode(load(cases)).trim().split('\n')
  return lines.map((line) => JSON.parse(line) as CorruptCase)
}

function damaged(version: 5 | 6, { op, offset = 0, size = 0, hex = '' }: CorruptCase): Uint8Array {
  const intact = output(`tiny-tar-v${version}`, 'bootstrap')
  const patch = Buffer.from(hex, 'hex')
  if (op === 'truncate') return intact.subarray(0, size)
  if (op === 'zeros') return new Uint8Array(size)
  if (op === 'append') return new Uint8Array(Buffer.concat([intact, patch]))
  intact.set(patch, offset)
  return intact
}

function isAccepted(bytes: Uint8Array): boolean {
  return validateBootstrap(bytes).every(({ severity }) => severity !== 'error')
}

describe.each([5, 6] as const)('damaged v%d bootstraps', (version) => {
  const cases = casesOf(version)
  it.each(cases.filter(({ check_exit }) => check_exit !== 0))(
    'are refused where the original refuses them: $op $offset $size $hex',
    (row) => {
      const findings = validateBootstrap(damaged(version, row))
      expect(findings.filter(({ severity }) => severity === 'error')).not.toEqual([])
      for (const { code, place, message } of findings) {
        expect(code).toMatch(/^ERR_(FORMAT|DIGEST)_/)
        expect(place).not.toBe('')
        expect(message).not.toBe('')
      }
    },
  )
  it('are mostly accepted where the original accepts them', () => {
    const accepted = cases.filter(({ check_exit }) => check_exit === 0)
    expect(accepted.length).toBeGreaterThan(15)
    const refused = accepted.filter((row) => !isAccepted(damaged(version, row)))
    expect(refused.length).toBeLessThanOrEqual(STRICTER[version])
  })
  it('are dumped, or the dump ends with an error of ours', () => {
    let ended = 0
    for (const row of cases) {
      try {
        for (const line of dumpBootstrap(openBootstrap(damaged(version, row)))) expect(line).not.toBe('')
      } catch (error) {
        if (!isNydusError(error)) throw error
        ended++
      }
    }
    expect(ended).toBeGreaterThan(20)
  })
})
