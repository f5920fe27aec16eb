// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type HalfReads, testErofs } from '../../src/erofs/self-test.ts'
import { describeMounted } from '../support/mounts.ts'

const HALF = 0x8000
const delivered = { bytes: new Uint8Array(HALF).fill(0xa5) }
const verdictOn = (reads: HalfReads) => testErofs(async () => reads)

describe('the verdict on a kernel', () => {
  it('is good when a failed read gives EIO', async () => {
    expect(await verdictOn({ first: delivered, second: { error: 'EIO' } })).toEqual({ usable: true })
  })

  it('is bad when a failed read gives zeros, as kernels before the fix do', async () => {
    const reads = { first: delivered, second: { bytes: new Uint8Array(HALF) } }
    expect(await verdictOn(reads)).toEqual({
      usable: false,
      reason: expect.stringContaining('returns zeros'),
    })
  })

  it('is bad for anything else: other bytes, nothing, another error, a device that delivers nothing', async () => {
    const bad: readonly HalfReads[] = [
      { first: delivered, second: delivered },
      { first: delivered, second: { bytes: new Uint8Array(0) } },
      { first: delivered, second: { error: 'ENOTCONN' } },
      { first: { error: 'EIO' }, second: { error: 'EIO' } },
      { first: { bytes: new Uint8Array(HALF) }, second: { error: 'EIO' } },
      { first: { bytes: new Uint8Array(0) }, second: { error: 'EIO' } },
    ]
    for (const reads of bad) expect(await verdictOn(reads)).toMatchObject({ usable: false })
  })

  it('is bad when the kernel cannot be asked', async () => {
    const verdict = await testErofs(async () => {
      throw new Error('no erofs here')
    })
    expect(verdict).toEqual({ usable: false, reason: 'no erofs here' })
  })
})

describeMounted('the self-test on this kernel', () => {
  it('gives a verdict and leaves nothing behind', async () => {
    const verdict = await testErofs()
    if (!verdict.usable) console.warn(`the erofs plane cannot be used here: ${verdict.reason}`)
    expect(typeof verdict.usable).toBe('boolean')
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('nydus-blobs')
  })
})
