// SPDX-License-Identifier: Apache-2.0
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { splitZstdFrames } from '../../src/decode/zstd-frames.ts'
import { noise, pieces, prose } from '../layer-bytes.ts'

const SKIPPABLE = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5])
const checksummed = (bytes: Uint8Array) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
const FRAMES: readonly Buffer[] = [
  zstdCompressSync(prose(300_000)),
  checksummed(noise(200_000)),
  SKIPPABLE,
  zstdCompressSync(new Uint8Array(0)),
  checksummed(new Uint8Array(1_000_000)), // RLE blocks
  zstdCompressSync(prose(10), { pledgedSrcSize: 10 }),
]
const STORED = Buffer.concat(FRAMES)

async function runsOf(bytes: Uint8Array, size: number): Promise<Uint8Array[]> {
  const runs: Uint8Array[] = []
  for await (const run of splitZstdFrames(pieces(bytes, size))) runs.push(run)
  return runs
}

describe('splitZstdFrames', () => {
  it('finds every end in one piece', async () => {
    expect((await runsOf(STORED, STORED.length)).map(({ length }) => length)).toEqual(
      FRAMES.map(({ length }) => length),
    )
  })

  it.each([1, 2, 3, 7, 1000])('cuts at every end whatever the pieces (%i bytes)', async (size) => {
    const runs = await runsOf(STORED, size)
    expect(Buffer.concat(runs).equals(STORED)).toBe(true)
    const ends = new Set<number>()
    runs.reduce((at, { length }) => {
      ends.add(at + length)
      return at + length
    }, 0)
    let end = 0
    for (const frame of FRAMES) {
      end += frame.length
      expect(ends.has(end)).toBe(true)
    }
  })

  it('gives frames that decode one by one', async () => {
    const [first] = await runsOf(STORED, STORED.length)
    expect(zstdDecompressSync(first as Uint8Array).equals(prose(300_000))).toBe(true)
  })

  it.each([1, 3, 9, 30, SKIPPABLE.length - 1])('refuses a frame cut after %i bytes', async (length) => {
    for (const frame of [FRAMES[1] as Buffer, SKIPPABLE]) {
      if (length >= frame.length) continue
      await expect(runsOf(frame.subarray(0, length), 4)).rejects.toMatchObject({
        code: 'ERR_DECOMPRESS_FAILED',
        message: 'truncated zstd layer',
      })
    }
  })

  it('refuses garbage between frames, and a reserved block type', async () => {
    await expect(runsOf(Buffer.concat([SKIPPABLE, Buffer.from('garbage')]), 5)).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_FAILED',
      message: expect.stringContaining('0x62726167'),
    })
    const reserved = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x07, 0x00, 0x00])
    await expect(runsOf(reserved, 9)).rejects.toMatchObject({
      message: expect.stringContaining('reserved block'),
    })
  })
})
