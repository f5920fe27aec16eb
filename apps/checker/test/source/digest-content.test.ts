// SPDX-License-Identifier: Apache-2.0
import { digestBytes } from '@nydus/base/digest'
import { describe, expect, it } from 'vitest'
import { digestContent } from '../../src/source/digest-content.ts'

const content = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251))

describe('digestContent', () => {
  it.each([
    [1000, 1],
    [1000, 999],
    [1000, 1000],
    [1000, 2500],
    [4096, 10_000],
    [16_384, 3000],
  ])('chunks of %i bytes from pieces of %i', async (chunkSize, pieceSize) => {
    async function* pieces() {
      const reused = Buffer.alloc(pieceSize)
      for (let at = 0; at < content.length; at += pieceSize) {
        const length = content.copy(reused, 0, at, at + pieceSize)
        yield reused.subarray(0, length) // the same memory every time, as tar readers may give it
      }
    }
    const expected: Uint8Array[] = []
    for (let at = 0; at < content.length; at += chunkSize) {
      expected.push(digestBytes('blake3', content.subarray(at, at + chunkSize)))
    }
    const found = await digestContent(pieces(), { chunkSize, digester: 'blake3' })
    expect(Buffer.from(found).toString('hex')).toBe(Buffer.concat(expected).toString('hex'))
  })

  it('an empty file has no chunk', async () => {
    async function* nothing(): AsyncGenerator<Uint8Array> {}
    expect(await digestContent(nothing(), { chunkSize: 4096, digester: 'sha256' })).toHaveLength(0)
  })
})
