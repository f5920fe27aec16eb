// SPDX-License-Identifier: Apache-2.0
import { constants, deflateRawSync, gzipSync } from 'node:zlib'
import { inflateContext } from '@nydus/base/compress'
import { describe, expect, it } from 'vitest'
import { type BlockPoint, GzipReader } from '../../src/zran/gzip-reader.ts'
import { noise, pieces, prose } from '../layer-bytes.ts'

/** Text, noise, runs and repeats at all distances. */
function sample(length: number, seed: number): Buffer {
  const parts: Uint8Array[] = []
  for (let at = 0, i = seed; at < length; i++) {
    const size = 1 + ((i * 7919) % 9973)
    const part = [noise(size, i), prose(size, i), Buffer.alloc(size, i & 0xff)][i % 3] as Uint8Array
    parts.push(part)
    at += part.length
  }
  return Buffer.concat(parts).subarray(0, length)
}

interface Seen {
  readonly plain: Buffer
  readonly points: readonly (BlockPoint & { readonly dictionary: Uint8Array })[]
  readonly reader: GzipReader
}

/** Reads in sizes that no block has, and keeps the points. */
async function readAll(gzip: Uint8Array, pieceSize = 10_007, readSize = 5_003): Promise<Seen> {
  const reader = new GzipReader(pieces(gzip, pieceSize))
  const parts: Uint8Array[] = []
  const points = []
  for (let i = 0; ; i++) {
    const bytes = await reader.read(1 + ((i * 4_099) % readSize))
    if (bytes === undefined) break
    parts.push(bytes.slice())
    if (reader.point.inOffset !== points.at(-1)?.inOffset) {
      points.push({ ...reader.point, dictionary: reader.dictionary() })
    }
  }
  return { plain: Buffer.concat(parts), points, reader }
}

const STRATEGIES = {
  'level 1': { level: 1 },
  'level 6': { level: 6 },
  'level 9': { level: 9, memLevel: 1 },
  stored: { level: 0 },
  'fixed codes': { strategy: constants.Z_FIXED },
  'literals only': { strategy: constants.Z_HUFFMAN_ONLY },
  'runs only': { strategy: constants.Z_RLE },
  'many small blocks': { memLevel: 1, level: 1 },
}

describe('GzipReader', () => {
  it.each(Object.entries(STRATEGIES))('reads %s, and each point is a start', async (_name, options) => {
    const plain = sample(700_000, 3)
    const gzip = gzipSync(plain, options)
    const seen = await readAll(gzip)
    expect(seen.plain.equals(plain)).toBe(true)
    expect(seen.points.length).toBeGreaterThan(0)
    for (const { inOffset, outOffset, unusedBits, previousByte, dictionary } of seen.points) {
      expect(dictionary.length).toBe(Math.min(32_768, outOffset))
      const outLength = plain.length - outOffset
      const context = { bits: unusedBits, byte: previousByte, dictionary, outLength }
      const found = inflateContext(gzip.subarray(inOffset), context)
      expect(Buffer.compare(found, plain.subarray(outOffset))).toBe(0)
    }
  })

  it('reads short codes right behind the longest', async () => {
    // 32 bytes with codes of about 15 bits, 8 with about 11 bits, and a chain of others that makes them so long.
    const chain = Array.from({ length: 8 }, (_, i) => Array<number>(98 << i).fill(40 + i)).flat()
    const members = Array.from({ length: 60 }, (_, turn) => {
      const pairs = Array.from({ length: 64 }, (_, i) => [i % 32, 32 + ((i + turn) % 8)])
      return Buffer.from([
        ...Array<number>(turn).fill(47),
        ...pairs.slice(0, 32).flat(),
        ...chain,
        ...pairs.map((pair) => pair[1] as number),
      ])
    })
    const gzip = members.map((member) =>
      gzipSync(member, { strategy: constants.Z_HUFFMAN_ONLY, memLevel: 9 }),
    )
    const seen = await readAll(Buffer.concat(gzip))
    expect(seen.plain.equals(Buffer.concat(members))).toBe(true)
  })

  it('reads members of any kind, and zeros behind them', async () => {
    const parts = [sample(100_000, 1), Buffer.alloc(0), sample(1, 2), sample(70_000, 3)]
    const named = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3]),
      Buffer.from('name\0comment\0\0\0'),
      gzipSync(parts[3] as Buffer).subarray(10),
    ])
    const members = [...parts.slice(0, 3).map((part) => gzipSync(part)), named]
    const seen = await readAll(Buffer.concat([...members, Buffer.alloc(1000)]))
    expect(seen.plain.equals(Buffer.concat(parts))).toBe(true)
    expect(seen.reader.fileSize).toBe(Buffer.concat(members).length + 1000)
    expect(seen.reader.digests().plain).toMatch(/^[0-9a-f]{64}$/)
  })

  it('has a window that ends at the point, however far the output has moved', async () => {
    // A stored block of 65,535 bytes is longer than the window; one fixed block is longer than the output buffer.
    const plain = sample(3_000_000, 5)
    const gzip = gzipSync(plain, { strategy: constants.Z_FIXED, memLevel: 9, windowBits: 15 })
    const { points } = await readAll(gzip, 100_000, 300_000)
    for (const { outOffset, dictionary } of points) {
      const expected = plain.subarray(outOffset - dictionary.length, outOffset)
      expect(Buffer.compare(dictionary, expected)).toBe(0)
    }
  })

  it('gives the same for any cut of its input', async () => {
    const gzip = gzipSync(sample(200_000, 9))
    const whole = await readAll(gzip, gzip.length, 100_000)
    for (const size of [1, 7, 511, 65_536]) {
      const cut = await readAll(gzip, size, 100_000)
      expect(cut.plain.equals(whole.plain)).toBe(true)
      expect(cut.points).toEqual(whole.points)
    }
  })

  it('refuses files that are cut anywhere', async () => {
    const gzip = gzipSync(sample(3_000, 2))
    for (let length = 0; length < gzip.length; length++) {
      await expect(readAll(gzip.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
        code: 'ERR_DECOMPRESS_FAILED',
      })
    }
  })

  it('never gives wrong bytes for a flipped bit', async () => {
    const plain = sample(2_000, 4)
    const gzip = gzipSync(plain)
    // Header bytes 4 to 9 (mtime, flags, system) mean nothing to the content.
    for (let bit = 80; bit < gzip.length * 8; bit++) {
      const flipped = Buffer.from(gzip)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      const outcome = await readAll(flipped).catch((cause) => cause)
      // The bits that fill up the last byte of the last block mean nothing.
      if ('plain' in outcome) expect(outcome.plain.equals(plain), `bit ${bit}`).toBe(true)
      else expect(outcome, `bit ${bit}`).toMatchObject({ code: 'ERR_DECOMPRESS_FAILED' })
    }
  })

  it('refuses other bytes behind the last member, and endless headers', async () => {
    const gzip = gzipSync(Buffer.from('content'))
    const endless = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
      Buffer.alloc(300_000, 65),
    ])
    for (const bad of [
      Buffer.concat([gzip, Buffer.from('garbage')]),
      Buffer.concat([gzip, Buffer.alloc(100), Buffer.from('x')]),
      deflateRawSync(Buffer.from('no header')),
      endless,
    ]) {
      await expect(readAll(bad)).rejects.toMatchObject({ code: 'ERR_DECOMPRESS_FAILED' })
    }
  })
})
