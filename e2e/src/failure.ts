// SPDX-License-Identifier: Apache-2.0
/** How every failure of a command must look. */
import { expect } from 'vitest'
import type { Ended } from './run.ts'

/** One line with the code, no stack trace, the documented exit status. */
export function expectFailure(ended: Ended, status: number, code: string): void {
  const errors = ended.output.split('\n').filter((line) => line.startsWith('nydus: '))
  expect(errors.join('\n'), ended.output).toContain(`(${code})`)
  expect(errors).toHaveLength(1)
  expect(ended.output).not.toMatch(/^\s+at .*:\d+/m)
  expect(ended.status).toBe(status)
}
