// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openBootstrap, validateBootstrap } from '../src/index.ts'
import { output, v6Bootstraps } from './golden.ts'
import { dir, madeBlob, makeBootstrap } from './make-bootstrap.ts'

const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }
/** Genuine bootstraps that are damaged: the original's own daemon cannot read what the findings are about. */
const DAMAGED = {
  // A long symlink target, written behind its inode, was overwritten by the next inodes.
  'types-tarfs': ['/l600: symlink target with a NUL byte'],
  // `optimize` leaves no blob meta in its blob.
  'optimize-mixed-v6-batch-0x100000': [/is stored up to 0x43b, behind its blob/],
  // A tar with a parent bootstrap: the chunks of the new layer name the blob of the parent.
  'own-chain1-v6': [/^\/keep\/file: .* is not in the chunk table/, /^\/merge\/a: /],
  'own-chain2-v6': [/^\/a\/b\/c: .* is not in the chunk table/, /^\/sym-dir: /],
} as const

function messages(bytes: Uint8Array): readonly string[] {
  return validateBootstrap(bytes).map(({ place, message }) => `${place}: ${message}`)
}

describe('validateBootstrap', () => {
  it.each(v6Bootstraps('all').filter(({ id }) => !(id in DAMAGED)))(
    'has no findings for $id',
    ({ bytes }) => {
      expect(validateBootstrap(bytes)).toEqual([])
    },
  )
  it.each(Object.entries(DAMAGED))('reports the damage of %s', (id, expected) => {
    const found = messages(output(id, 'bootstrap'))
    for (const message of expected)
      expect(found).toContainEqual(typeof message === 'string' ? message : expect.stringMatching(message))
  })
  it.each(['optimize-mixed-tar-v6-zstd-blake3', 'optimize-layers-merge-v6-layers'])(
    'refuses %s, as the original check does',
    (id) => expect(messages(output(id, 'bootstrap'))).toMatchObject([expect.stringMatching(/bad meta size/)]),
  )
  it('reports a version that it does not know as one finding', () => {
    const v4 = output('tiny-tar-v5', 'bootstrap')
    v4[5] = 4
    expect(validateBootstrap(v4)).toMatchObject([
      { severity: 'error', code: 'ERR_FORMAT_UNSUPPORTED_VERSION', place: 'superblock' },
    ])
  })
  it.each([
    [
      'dots that lead elsewhere',
      [{ ...ROOT, entries: [dir('.', 129), dir('..', 130)] }],
      ['/: entry . has nid 129, expected 128', '/: entry .. has nid 130, expected 128'],
    ],
    [
      'a dirent of another type',
      [
        { ...ROOT, entries: [...ROOT.entries, dir('f', 140)] },
        { nid: 140, mode: 0o100644 },
      ],
      ['/f: dirent type 2, inode mode 0100644'],
    ],
    [
      'a damaged symlink',
      [
        { ...ROOT, entries: [...ROOT.entries, { name: 'l', nid: 140, fileType: 7 }] },
        { nid: 140, mode: 0o120777, target: 'a\0b' },
      ],
      ['/l: symlink target with a NUL byte'],
    ],
    [
      'a file without its blob',
      [
        { ...ROOT, entries: [...ROOT.entries, { name: 'f', nid: 140, fileType: 1 }] },
        {
          nid: 140,
          mode: 0o100644,
          size: 1,
          chunks: [{ blobIndex: 3, chunkIndex: 0, uncompressedOffset: 0 }],
        },
      ],
      ['/f: inode 140: chunk 0 is on device 4 of 0'],
    ],
    [
      'a missing inode',
      [{ ...ROOT, entries: [...ROOT.entries, dir('f', 140)] }],
      ['tree: inode 140: mode 00 has no file type'],
    ],
    ['another inode count', [ROOT, { nid: 140, mode: 0o100644 }], ['superblock: 2 inodes, the tree has 1']],
    [
      'a root that is a file',
      [{ nid: 128, mode: 0o100644 }],
      ['/: the root is no directory', 'tree: inode 128 is no directory but has mode 0100644'],
    ],
  ])('reports %s', (_, inodes, expected) => {
    expect(messages(makeBootstrap(inodes))).toEqual(expected)
  })
  it('reports names out of order', () => {
    const bytes = makeBootstrap([
      { ...ROOT, entries: [...ROOT.entries, dir('a', 140), dir('b', 144)] },
      { nid: 140, mode: 0o40755, entries: [dir('.', 140), dir('..', 128)] },
      { nid: 144, mode: 0o40755, entries: [dir('.', 144), dir('..', 128)] },
    ])
    expect(validateBootstrap(bytes)).toEqual([])
    const { tailOffset } = { tailOffset: 0x3000 + 64 }
    bytes[tailOffset + 4 * 12 + 3] = 0x63
    expect(messages(bytes)).toEqual(['/: entry b is not in ascending order'])
  })
  it('reports tables that disagree or lie over each other', () => {
    const blobs = [madeBlob(0, 0x3000), madeBlob(1, 0x3000)]
    const bytes = makeBootstrap([ROOT], {
      blobs,
      prefetch: [200],
      superBlock: { blocks: 7, chunkTableOffset: 0x11, chunkTableSize: 80, prefetchTableOffset: 0x1050 },
    })
    expect(messages(bytes)).toEqual([
      'superblock: number of blocks is 7, expected 6',
      'chunk table: offset 0x11',
      'prefetch table: it overlaps the blob table',
      `device table: slot 1 repeats ${'a'.repeat(64)}`,
    ])
  })
  it('tells what it expected and what it found', () => {
    const bytes = makeBootstrap([ROOT], { blobs: [madeBlob(0, 0x3000)], superBlock: { blocks: 9 } })
    const { byteLength } = bytes
    expect(validateBootstrap(bytes)).toEqual([
      {
        severity: 'warning',
        code: 'ERR_FORMAT_CORRUPT',
        place: 'superblock',
        message: 'number of blocks is 9, expected 3',
        expected: 3,
        found: 9,
      },
    ])
    expect(validateBootstrap(bytes.subarray(0, 100))).toMatchObject([{ expected: 1408, found: 100 }])
    expect(byteLength).toBe(0xa000)
  })
  it('accepts the number of blocks and the place of blobs that old builders wrote', () => {
    const blobs = [madeBlob(0, 0x3000), madeBlob(1, 0x3000, 'b')]
    const bytes = makeBootstrap([ROOT], { blobs, superBlock: { blocks: 4096 } })
    for (const slot of [0, 1]) bytes.fill(0, 1408 + 128 * slot + 68, 1408 + 128 * slot + 72)
    expect(messages(bytes)).toEqual([])
    expect(messages(makeBootstrap([ROOT], { superBlock: { blocks: 4096 } }))).toEqual([])
    expect(messages(makeBootstrap([ROOT], { superBlock: { blocks: 1 } }))).toEqual([
      'superblock: number of blocks is 1, expected 0',
    ])
  })
  it('reports chunks that leave their blobs', () => {
    const chunk = {
      digest: new Uint8Array(32),
      blobIndex: 0,
      flags: 0,
      compressedSize: 1,
      uncompressedSize: 0x1000,
      compressedOffset: 0,
      uncompressedOffset: 0,
      fileOffset: 0,
      chunkIndex: 0,
      crc32c: 0,
    }
    const chunkTable = [
      { ...chunk, blobIndex: 9 },
      { ...chunk, uncompressedOffset: 0x3000 },
      { ...chunk, uncompressedSize: 0x1001 },
      { ...chunk, chunkIndex: 3 },
      { ...chunk, compressedOffset: 0x3000 },
      { ...chunk, uncompressedOffset: 0x100 },
    ]
    expect(messages(makeBootstrap([ROOT], { blobs: [madeBlob(0, 0x3000)], chunkTable }))).toEqual([
      'chunk table: record 0 names blob 9 of 1',
      'chunk table: record 1 ends at 0x4000 behind its blob',
      'chunk table: record 2 has 4097 bytes',
      'chunk table: record 3 is chunk 3 of 3',
      'chunk table: record 4 is stored up to 0x3001, behind its blob',
      'chunk table: record 5 starts inside a block, at 0x100',
    ])
  })
  it('stops at 100 findings', () => {
    const chunkTable = Array.from({ length: 100 }, () => ({
      digest: new Uint8Array(32),
      blobIndex: 9,
      flags: 0,
      compressedSize: 1,
      uncompressedSize: 1,
      compressedOffset: 0,
      uncompressedOffset: 0,
      fileOffset: 0,
      chunkIndex: 0,
      crc32c: 0,
    }))
    const bytes = makeBootstrap([ROOT, { nid: 140, mode: 0o100644 }], { chunkTable })
    expect(validateBootstrap(bytes)).toHaveLength(100)
    expect(openBootstrap(bytes).chunkTable().length).toBe(100)
  })
})
