// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type BlobExtent, fileExtents, openBootstrap, readChunkIndex, walkTree } from '../../src/index.ts'
import { decodeBlob } from '../decode-blob.ts'
import { fixture, listing, output } from '../golden.ts'
import { dir, madeBlob, makeBootstrap } from '../make-bootstrap.ts'

const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }

function madeFile(
  size: number,
  ...chunks: readonly (readonly [blobIndex: number, chunkIndex: number])[]
): Uint8Array {
  const index = chunks.map(([blobIndex, chunkIndex]) => ({
    blobIndex,
    chunkIndex,
    uncompressedOffset: chunkIndex * 4096,
  }))
  return makeBootstrap([ROOT, { nid: 140, mode: 0o100644, size, chunks: index }], {
    blobs: [madeBlob(0, 0x10000, 'a'), madeBlob(1, 0x10000, 'b')],
  })
}

describe('fileExtents', () => {
  it.each([
    'tiny-tar-v6',
    'mixed-tar-v6-zstd-blake3',
    'mixed-tar-v6-lz4_block-blake3',
    'mixed-tar-v6-none-sha256-0x1000',
    'mixed-tar-v6-zstd-blake3-0x10000',
    'mixed-v6-batch-0x100000',
    'mixed-v6-batch-lz4',
    'gnu-tar-v6',
  ])('leads to the content of every file of %s', (id) => {
    const bootstrap = openBootstrap(output(id, 'bootstrap'))
    const blobs = bootstrap.blobs.map((info) => decodeBlob(info, output(id, 'blob')))
    const { source = '' } = fixture(id)
    const tree = source.replace(/^trees\//, '').replace(/\.tar$/, '')
    const expected = listing({
      path: `expected/${tree}.source.jsonl${tree === 'tiny' || tree === 'gnu' ? '' : '.gz'}`,
      encoding: tree === 'tiny' || tree === 'gnu' ? 'identity' : 'gzip',
      sha256: '',
      size: 0,
    })
    let files = 0
    for (const { path, inode } of walkTree(bootstrap)) {
      if ((inode.mode & 0xf000) !== 0x8000) continue
      const hash = createHash('sha256')
      for (const { blobIndex, uncompressedOffset, length } of fileExtents(
        bootstrap,
        inode.nid,
        0,
        inode.size,
      )) {
        hash.update(blobs[blobIndex]?.subarray(uncompressedOffset, uncompressedOffset + length) ?? '')
      }
      const line = expected.get(path.map((name) => Buffer.from(name).toString()).join('/'))
      expect(hash.digest('hex')).toBe(line?.sha256)
      files++
    }
    expect(files).toBeGreaterThan(2)
  })

  it('merges neighbours and cuts at both ends', () => {
    const bootstrap = openBootstrap(madeFile(4096 * 3 + 100, [0, 2], [0, 3], [1, 4], [0, 5]))
    const cases: readonly [number, number, readonly (readonly [number, number, number])[]][] = [
      [0, 1, [[0, 8192, 1]]],
      [0, 8192, [[0, 8192, 8192]]],
      [
        4000,
        5000,
        [
          [0, 12192, 4192],
          [1, 16384, 808],
        ],
      ],
      [
        8191,
        2,
        [
          [0, 16383, 1],
          [1, 16384, 1],
        ],
      ],
      [12288, 1 << 20, [[0, 20480, 100]]],
      [
        0,
        Number.POSITIVE_INFINITY,
        [
          [0, 8192, 8192],
          [1, 16384, 4096],
          [0, 20480, 100],
        ],
      ],
      [12388, 1, []],
      [1 << 30, 10, []],
      [5, 0, []],
      [5, -3, []],
      [-1, 10, []],
    ]
    for (const [offset, length, expected] of cases) {
      const extents: readonly BlobExtent[] = expected.map(([blobIndex, uncompressedOffset, bytes]) => ({
        blobIndex,
        uncompressedOffset,
        length: bytes,
      }))
      expect(fileExtents(bootstrap, 140, offset, length)).toEqual(extents)
    }
  })
  it('follows chunk indexes above 65535 and blob addresses above 4 GiB', () => {
    const at = 0x7fff_f000 * 4096
    const bytes = makeBootstrap(
      [
        ROOT,
        {
          nid: 140,
          mode: 0o100644,
          size: 10,
          chunks: [{ blobIndex: 0, chunkIndex: 0xabcdef, uncompressedOffset: at }],
        },
      ],
      { blobs: [{ ...madeBlob(0, 0), uncompressedSize: 2 ** 43 }] },
    )
    expect(readChunkIndex(openBootstrap(bytes), 140)).toEqual([
      { blobIndex: 0, chunkIndex: 0xabcdef, uncompressedOffset: at, length: 10, fileOffset: 0 },
    ])
  })
  it.each([
    ['no such blob', madeFile(10, [2, 0]), 'ERR_FORMAT_CORRUPT'],
    ['device 0, the bootstrap itself', madeFile(10, [-1, 0]), 'ERR_FORMAT_CORRUPT'],
    ['a chunk behind its blob', madeFile(10, [0, 16]), 'ERR_FORMAT_OUT_OF_RANGE'],
    ['a size of 2^50', madeFile(2 ** 50, [0, 0]), 'ERR_FORMAT_OUT_OF_RANGE'],
    ['a size of 2^53 − 1', madeFile(Number.MAX_SAFE_INTEGER, [0, 0]), 'ERR_FORMAT_OUT_OF_RANGE'],
  ])('refuses %s', (_, bytes, code) => {
    const bootstrap = openBootstrap(bytes)
    expect(() => fileExtents(bootstrap, 140, 0, 10)).toThrowError(expect.objectContaining({ code }))
    expect(() => readChunkIndex(bootstrap, 140)).toThrowError(expect.objectContaining({ code }))
  })
  it('refuses what is no file in chunks', () => {
    const bootstrap = openBootstrap(madeFile(0))
    expect(() => fileExtents(bootstrap, 128, 0, 10)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
    expect(readChunkIndex(bootstrap, 140)).toEqual([])
  })
  it('counts in blocks of 512 in tarfs bootstraps', () => {
    const bootstrap = openBootstrap(output('gnu-tarfs', 'bootstrap'))
    expect(bootstrap.blockSize).toBe(512)
    const files = [...walkTree(bootstrap)].filter(
      ({ inode }) => (inode.mode & 0xf000) === 0x8000 && inode.size > 0,
    )
    const offsets = files.flatMap(({ inode }) =>
      fileExtents(bootstrap, inode.nid, 0, inode.size).map((e) => e.uncompressedOffset),
    )
    expect(offsets.length).toBeGreaterThan(0)
    expect(offsets.every((offset) => offset % 512 === 0)).toBe(true)
    expect(offsets.some((offset) => offset % 4096 !== 0)).toBe(true)
  })
})
