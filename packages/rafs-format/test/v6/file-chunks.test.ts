// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openBootstrap, readFileChunks, walkTree } from '../../src/index.ts'
import { output } from '../golden.ts'
import { dir, madeBlob, makeBootstrap } from '../make-bootstrap.ts'

const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }
const CHUNK = {
  digest: new Uint8Array(32).fill(7),
  blobIndex: 0,
  flags: 1,
  compressedSize: 100,
  uncompressedSize: 0x1000,
  compressedOffset: 200,
  uncompressedOffset: 0x1000,
  fileOffset: 0x9000,
  chunkIndex: 1,
  crc32c: 0,
}

function madeFile(chunk: typeof CHUNK): Uint8Array {
  const chunks = [{ blobIndex: 0, chunkIndex: 1, uncompressedOffset: 0x1000 }]
  return makeBootstrap([ROOT, { nid: 140, mode: 0o100644, size: 0x1000, chunks }], {
    blobs: [madeBlob(0, 0x3000)],
    chunkTable: [chunk],
  })
}

describe('readFileChunks', () => {
  it('finds the records of the chunk table, and puts the file’s own offsets into them', () => {
    expect(readFileChunks(openBootstrap(madeFile(CHUNK)), 140)).toEqual([{ ...CHUNK, fileOffset: 0 }])
  })
  it.each([
    ['another chunk', { ...CHUNK, chunkIndex: 2 }],
    ['another place', { ...CHUNK, uncompressedOffset: 0x2000 }],
    ['another size', { ...CHUNK, uncompressedSize: 5 }],
  ])('refuses a table that has %s', (_, chunk) => {
    expect(() => readFileChunks(openBootstrap(madeFile(chunk)), 140)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
  })
  it('derives the chunks of tarfs images from their block addresses', () => {
    const bootstrap = openBootstrap(output('mixed-v6-tarfs', 'bootstrap'))
    const { chunkSize, blobs } = bootstrap
    let whole = 0
    for (const { inode } of walkTree(bootstrap)) {
      if ((inode.mode & 0xf000) !== 0x8000) continue
      const chunks = readFileChunks(bootstrap, inode.nid)
      const sizes = chunks.map(({ uncompressedSize }) => uncompressedSize)
      // The original's daemon takes the last chunk of these for an empty one.
      if (inode.size > 0 && inode.size % chunkSize === 0) whole++
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(inode.size)
      for (const chunk of chunks) {
        expect(chunk.compressedOffset).toBe(chunk.uncompressedOffset)
        expect(chunk.compressedSize).toBe(chunk.uncompressedSize)
        expect(chunk.uncompressedOffset + chunk.uncompressedSize).toBeLessThanOrEqual(
          blobs[0]?.uncompressedSize ?? 0,
        )
      }
    }
    expect(whole).toBeGreaterThan(0)
  })
})
