// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openBootstrap, validateBootstrap } from '../src/index.ts'
import { fixture, load, output, v6Bootstraps } from './golden.ts'
import { dir, madeBlob, makeBootstrap } from './make-bootstrap.ts'

const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }
// The original writes tarfs symlink targets above 512 bytes where nobody looks for them.
const WITH_FINDINGS = new Set(['types-tarfs'])

function messages(bytes: Uint8Array): readonly string[] {
  return validateBootstrap(bytes).map(({ place, message }) => `${place}: ${message}`)
}

describe('validateBootstrap', () => {
  it.each(v6Bootstraps().filter(({ id }) => !WITH_FINDINGS.has(id)))(
    'has no findings for $id',
    ({ bytes }) => {
      expect(validateBootstrap(bytes)).toEqual([])
    },
  )
  it('reports the tarfs symlinks that the original damages', () => {
    expect(validateBootstrap(output('types-tarfs', 'bootstrap'))).toMatchObject([
      { place: '/l4000' },
      { place: '/l600' },
    ])
  })
  it.each(['optimize-mixed-tar-v6-zstd-blake3', 'optimize-layers-merge-v6-layers'])(
    'refuses %s, as the original check does',
    (id) => expect(messages(output(id, 'bootstrap'))).toMatchObject([expect.stringMatching(/bad meta size/)]),
  )
  it('reports v5 as one finding', () => {
    const v5 = load(fixture('tiny-tar-v5').outputs?.bootstrap ?? { sha256: '', size: 0 })
    expect(validateBootstrap(v5)).toMatchObject([
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
      superBlock: { chunkTableOffset: 0x8001, prefetchTableOffset: 0x1050 },
    })
    expect(messages(bytes)).toEqual([
      'chunk table: offset 0x8001',
      'prefetch table: it overlaps the blob table',
      `device table: slot 1 repeats ${'a'.repeat(64)}`,
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
    ]
    expect(messages(makeBootstrap([ROOT], { blobs: [madeBlob(0, 0x3000)], chunkTable }))).toEqual([
      'chunk table: record 0 names blob 9 of 1',
      'chunk table: record 1 ends at 0x4000 behind its blob',
      'chunk table: record 2 has 4097 bytes',
      'chunk table: record 3 is chunk 3 of 3',
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
