// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { FormatError, NydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import { ERRNO, errnoOf } from '../src/errno.ts'

describe('errnoOf', () => {
  it('calls damaged metadata EUCLEAN and failed data EIO', () => {
    expect(errnoOf(new FormatError('ERR_FORMAT_CORRUPT', 'damaged'))).toBe(117)
    expect(errnoOf(new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', 'unknown'))).toBe(
      constants.errno.EOPNOTSUPP,
    )
    expect(errnoOf(new NydusError('ERR_REGISTRY_TIMEOUT', 'slow'))).toBe(constants.errno.EIO)
  })

  it('calls everything else EIO', () => {
    expect(errnoOf(new Error('a bug'))).toBe(constants.errno.EIO)
    expect(errnoOf(undefined)).toBe(constants.errno.EIO)
  })
})

describe.runIf(process.platform === 'linux')('ERRNO', () => {
  it('has the numbers of this system', () => {
    const known = Object.entries(ERRNO).filter(([name]) => name in constants.errno)
    expect(known.length).toBeGreaterThan(15)
    for (const [name, number] of known)
      expect(number, name).toBe(constants.errno[name as keyof typeof constants.errno])
  })
})
