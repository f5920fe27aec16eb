// SPDX-License-Identifier: Apache-2.0
// What the original's check refuses is refused here; nothing hangs or dies.
import { isNydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import { openBootstrap, validateBootstrap, walkTree } from '../../src/index.ts'
import { fixture, load, output, type StoredFile } from '../golden.ts'

interface Case {
  readonly op: 'truncate' | 'append' | 'write' | 'zeros'
  readonly size?: number
  readonly offset?: number
  readonly hex?: string
  readonly check_exit: number
}

const { base, cases } = fixture('corrupt-bootstrap-v5') as unknown as { base: string; cases: StoredFile }
const ROWS = new TextDecoder()
  .decode(load(cases))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)

function damage({ op, size = 0, offset = 0, hex = '' }: Case): Uint8Array {
  const bytes = output(base, 'bootstrap')
  if (op === 'truncate') return bytes.subarray(0, size)
  if (op === 'zeros') return new Uint8Array(size)
  if (op === 'append') return new Uint8Array(Buffer.concat([bytes, Buffer.from(hex, 'hex')]))
  bytes.set(Buffer.from(hex, 'hex'), offset)
  return bytes
}

function hasErrors(bytes: Uint8Array): boolean {
  return validateBootstrap(bytes).some(({ severity }) => severity === 'error')
}

describe('a patched v5 bootstrap', () => {
  it.each(ROWS.filter(({ check_exit }) => check_exit !== 0))('$op $offset $size $hex is refused', (row) => {
    expect(hasErrors(damage(row))).toBe(true)
  })
  it.each(ROWS.filter(({ check_exit }) => check_exit === 0))('$op $offset $hex is read or refused', (row) => {
    const bytes = damage(row)
    let entries = 0
    try {
      for (const _ of walkTree(openBootstrap(bytes))) entries++
    } catch (error) {
      if (!isNydusError(error)) throw error
      expect(hasErrors(bytes)).toBe(true)
    }
    expect(entries).toBeLessThanOrEqual(7)
  })
  it('comes in many kinds', () => expect(ROWS.length).toBe(79))
  it('is not the intact one', () => expect(hasErrors(output(base, 'bootstrap'))).toBe(false))
})
