// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { shareBytes } from '../../src/binary/index.ts'

it('copies bytes into shared memory once', () => {
  const shared = shareBytes(Uint8Array.of(1, 2, 3).subarray(1))
  expect(shared.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect([...shared]).toEqual([2, 3])
  expect(shareBytes(shared)).toBe(shared)
})
