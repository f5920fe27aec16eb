// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SeenDigests } from '../../src/chunk/seen-digests.ts'

const digestOf = (i: number) => new Uint8Array(createHash('sha256').update(String(i)).digest())

describe('SeenDigests', () => {
  it('knows a digest from the second time on', () => {
    const seen = new SeenDigests()
    for (let i = 0; i < 10_000; i++) expect(seen.hasOrAdd(digestOf(i))).toBe(false)
    for (let i = 0; i < 10_000; i++) expect(seen.hasOrAdd(digestOf(i))).toBe(true)
    expect(seen.hasOrAdd(digestOf(10_000))).toBe(false)
  })

  it('never takes two digests of one half for each other less than 16 bytes in', () => {
    const seen = new SeenDigests()
    const digest = (at: number) => new Uint8Array(32).fill(1).fill(2, at, at + 1)
    for (let at = 0; at < 16; at++) expect(seen.hasOrAdd(digest(at))).toBe(false)
  })

  it('is full at some point and still knows what it took in', () => {
    const seen = new SeenDigests()
    const digest = new Uint8Array(32)
    const view = new DataView(digest.buffer)
    const set = (i: number) => {
      view.setUint32(0, Math.imul(i, 0x9e37_79b1))
      view.setUint32(4, i)
      return digest
    }
    for (let i = 1; i <= 300_000; i++) seen.hasOrAdd(set(i))
    expect(seen.hasOrAdd(set(1))).toBe(true)
    expect(seen.hasOrAdd(set(300_000))).toBe(false)
  })
})
