// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { cutStream } from '../../src/target/cut-stream.ts'

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)

async function* inPieces(size: number, onEnd?: () => void): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
  onEnd?.()
}

async function cut(size: number, cuts: readonly { offset: number; size: number }[]) {
  const found: string[] = []
  for await (const { cut, bytes: part } of cutStream(inPieces(size), cuts)) {
    found.push(`${cut.offset}+${cut.size}=${part[0] ?? 'none'}..${part.at(-1) ?? 'none'}`)
  }
  return found
}

describe('cutStream', () => {
  it.each([1, 7, 10, 33, 100])('cuts ranges out of pieces of %i bytes', async (size) => {
    const cuts = [
      { offset: 0, size: 3 },
      { offset: 3, size: 10 },
      { offset: 40, size: 45 },
      { offset: 99, size: 1 },
    ]
    expect(await cut(size, cuts)).toEqual(['0+3=0..2', '3+10=3..12', '40+45=40..84', '99+1=99..99'])
  })

  it.each([1, 7, 33, 100])('cuts ranges that overlap out of pieces of %i bytes', async (size) => {
    const cuts = [
      { offset: 10, size: 30 },
      { offset: 10, size: 5 },
      { offset: 38, size: 20 },
      { offset: 90, size: 10 },
    ]
    expect(await cut(size, cuts)).toEqual(['10+30=10..39', '10+5=10..14', '38+20=38..57', '90+10=90..99'])
  })

  it('yields an empty cut, and none beyond the end', async () => {
    expect(
      await cut(10, [
        { offset: 50, size: 0 },
        { offset: 95, size: 6 },
      ]),
    ).toEqual(['50+0=none..none'])
  })

  it('reads the stream to its end', async () => {
    let ended = false
    for await (const _ of cutStream(
      inPieces(10, () => (ended = true)),
      [{ offset: 0, size: 1 }],
    ))
      expect(ended).toBe(false)
    expect(ended).toBe(true)
  })
})
