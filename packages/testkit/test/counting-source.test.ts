// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { countingSource } from '../src/counting-source.ts'

describe('countingSource', () => {
  it('counts reads and bytes, and fails on request', async () => {
    const source = countingSource('b', Buffer.from('0123456789'))
    expect(Buffer.from(await source.read({ offset: 2, length: 3 })).toString()).toBe('234')
    source.failNext(new Error('scripted'))
    await expect(source.read({ offset: 0, length: 1 })).rejects.toThrow('scripted')
    expect(source.counts).toMatchObject({ reads: 2, bytes: 4 })
    await expect(source.read({ offset: 9, length: 2 })).rejects.toThrow(RangeError)
  })
})
