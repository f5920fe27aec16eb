// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  bytesText,
  encodeChunkTable,
  fileExtents,
  lookupEntry,
  openBootstrap,
  pathText,
  readChunkIndex,
  readDirectory,
  readFileChunks,
  readInode,
  readSymlink,
  readXattrs,
  validateBootstrap,
  walkTree,
} from '../../src/index.ts'
import { dirNode, type MadeNode, type MadeTables, makeV5, rootNode } from './make-v5.ts'

const BLOB = 'a'.repeat(64)
const CHUNK = {
  digest: new Uint8Array(32),
  blobIndex: 0,
  flags: 0,
  compressedSize: 16,
  uncompressedSize: 16,
  compressedOffset: 0,
  uncompressedOffset: 0,
  fileOffset: 0,
  chunkIndex: 0,
  crc32c: 0,
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'fine'
}

function findings(bytes: Uint8Array): string[] {
  return validateBootstrap(bytes).map(({ severity, place, message }) => `${severity} ${place}: ${message}`)
}

function file(overrides: object, node: Partial<MadeNode> = {}): MadeNode {
  return { name: 'f', size: 16, chunks: encodeChunkTable([{ ...CHUNK, ...overrides }]), ...node }
}

describe('a v5 bootstrap by hand', () => {
  it('is sound', () => {
    const bytes = makeV5([rootNode(2), dirNode('d', 4, 1), { name: 'e' }, { name: 'f', parentIno: 2 }])
    expect(findings(bytes)).toEqual([
      // The root's digest is that of the digests of its children, which are not empty.
      expect.stringContaining('error /: digest is'),
    ])
    expect([...walkTree(openBootstrap(bytes))].map(({ path }) => pathText(path))).toEqual([
      '/',
      '/d',
      '/d/f',
      '/e',
    ])
  })
  it('has dots that are not stored', () => {
    const bootstrap = openBootstrap(makeV5([rootNode(1), dirNode('d', 3, 1), { name: 'f', parentIno: 2 }]))
    const names = (nid: number) =>
      [...readDirectory(bootstrap, nid)].map((entry) => `${bytesText(entry.name)} ${entry.nid}`)
    expect(names(1)).toEqual(['. 1', '.. 1', 'd 2'])
    expect(names(2)).toEqual(['. 2', '.. 1', 'f 3'])
    const found = (text: string) => lookupEntry(bootstrap, 2, Buffer.from(text))?.nid
    expect(['.', '..', 'f', 'e', 'g', ''].map(found)).toEqual([2, 1, 3, undefined, undefined, undefined])
  })
  it('gives hard links the inode of the first', () => {
    const link = {
      nlink: 2,
      mode: 0o100600,
      xattrs: [{ name: Buffer.from('user.a'), value: Buffer.from('b') }],
    }
    const bootstrap = openBootstrap(
      makeV5([
        rootNode(2),
        { ...link, name: 'a' },
        { ...link, name: 'b', ino: 2, mode: 0o100644, xattrs: [] },
      ]),
    )
    const inodes = [...walkTree(bootstrap)].slice(1)
    expect(inodes.map(({ inode, repeated }) => [inode.nid, inode.mode, repeated])).toEqual([
      [2, 0o100600, false],
      [2, 0o100600, true],
    ])
    expect(readInode(bootstrap, 3)).toEqual(readInode(bootstrap, 2))
    expect(readXattrs(bootstrap, 3)).toHaveLength(1)
    expect(lookupEntry(bootstrap, 1, Buffer.from('b'))?.nid).toBe(2)
  })
  it.each([
    ['a file type that does not exist', { name: 'f', mode: 0o644 }, 'ERR_FORMAT_CORRUPT'],
    ['no links', { name: 'f', nlink: 0 }, 'ERR_FORMAT_CORRUPT'],
    ['no name', { name: '' }, 'ERR_FORMAT_CORRUPT'],
    ['a long name', { name: 'x'.repeat(257) }, 'ERR_FORMAT_CORRUPT'],
    ['an inode number of its own', { name: 'f', ino: 3 }, 'ERR_FORMAT_CORRUPT'],
    ['no inode number', { name: 'f', ino: 0 }, 'ERR_FORMAT_CORRUPT'],
    ['no parent', { name: 'f', parentIno: 0 }, 'ERR_FORMAT_CORRUPT'],
    ['itself as parent', { name: 'f', parentIno: 2 }, 'ERR_FORMAT_CORRUPT'],
    ['children that come before it', dirNode('d', 1, 1), 'ERR_FORMAT_CORRUPT'],
    ['children that do not exist', dirNode('d', 3, 1), 'ERR_FORMAT_CORRUPT'],
    ['very many children', { ...dirNode('d', 3, 0), childCount: 0xffff_ffff }, 'ERR_FORMAT_CORRUPT'],
  ] as const)('refuses a node with %s', (_, node, code) => {
    const bootstrap = openBootstrap(makeV5([rootNode(1), node]))
    expect(codeOf(() => readInode(bootstrap, 2))).toBe(code)
    expect(codeOf(() => [...walkTree(bootstrap)])).toBe(code)
  })
  it('refuses a group whose first member denies it', () => {
    const bootstrap = openBootstrap(
      makeV5([rootNode(2), { name: 'a', nlink: 2, ino: 1 }, { name: 'b', nlink: 2, ino: 2 }]),
    )
    expect(codeOf(() => readInode(bootstrap, 3))).toBe('ERR_FORMAT_CORRUPT')
  })
  it.each([0, -1, 3, 1.5, Number.NaN, 2 ** 53])('has no inode %d', (index) => {
    expect(codeOf(() => readInode(openBootstrap(makeV5([rootNode(1), { name: 'f' }])), index))).toBe(
      'ERR_FORMAT_OUT_OF_RANGE',
    )
  })
  it.each([['a/b'], ['a\0b'], ['x'.repeat(256)]])('refuses the name %j', (name) => {
    const bootstrap = openBootstrap(makeV5([rootNode(1), { name }]))
    expect(codeOf(() => [...readDirectory(bootstrap, 1)])).toBe('ERR_FORMAT_CORRUPT')
  })
  it('refuses to take one kind for another', () => {
    const bootstrap = openBootstrap(makeV5([rootNode(2), { name: 'f' }, { name: 'l', mode: 0o120777 }]))
    for (const run of [
      () => [...readDirectory(bootstrap, 2)],
      () => lookupEntry(bootstrap, 2, Buffer.from('x')),
      () => readSymlink(bootstrap, 2),
      () => readSymlink(bootstrap, 3),
      () => readChunkIndex(bootstrap, 1),
      () => readFileChunks(bootstrap, 3),
      () => fileExtents(bootstrap, 3, 0, 1),
    ]) {
      expect(codeOf(run)).toBe('ERR_FORMAT_CORRUPT')
    }
  })
  it.each([
    ['a blob that does not exist', file({ blobIndex: 1 }), 'ERR_FORMAT_CORRUPT'],
    ['more bytes than a chunk has', file({ uncompressedSize: 0x1001 }), 'ERR_FORMAT_CORRUPT'],
    ['a place behind its blob', file({ uncompressedOffset: 4095 }), 'ERR_FORMAT_OUT_OF_RANGE'],
  ])('refuses a chunk with %s', (_, node, code) => {
    const bootstrap = openBootstrap(makeV5([rootNode(1), node], { blobIds: [BLOB] }))
    expect(codeOf(() => fileExtents(bootstrap, 2, 0, 16))).toBe(code)
    expect(codeOf(() => readChunkIndex(bootstrap, 2))).toBe(code)
  })
  it.each([
    ['another place in the file', file({ fileOffset: 8 })],
    ['fewer bytes than the file', file({ uncompressedSize: 8 })],
    ['nothing', file({ uncompressedSize: 0 })],
    ['too few for the size', file({}, { size: 2 ** 50 })],
  ])('refuses chunks with %s', (_, node) => {
    const bytes = makeV5([rootNode(1), node], { blobIds: [BLOB] })
    expect(codeOf(() => fileExtents(openBootstrap(bytes), 2, 0, 2 ** 51))).toBe('ERR_FORMAT_CORRUPT')
    expect(findings(bytes)).toContainEqual(expect.stringContaining('error /f: inode 2: no chunk holds byte'))
  })
  it.each([
    ['a table behind the end', { superBlock: { inodeTableOffset: 0x8_0000 } }, 'ERR_FORMAT_OUT_OF_RANGE'],
    ['a table in the superblock', { superBlock: { inodeTableOffset: 16 } }, 'ERR_FORMAT_CORRUPT'],
    ['a crooked table', { superBlock: { prefetchTableOffset: 8193 } }, 'ERR_FORMAT_MISALIGNED'],
    [
      'tables over each other',
      { superBlock: { blobTableOffset: 8192, blobTableSize: 8 } },
      'ERR_FORMAT_CORRUPT',
    ],
    ['more inodes than nodes', { superBlock: { inodeCount: 3 } }, 'ERR_FORMAT_CORRUPT'],
    ['no nodes', { superBlock: { inodeCount: 0, inodeTableEntries: 0 } }, 'ERR_FORMAT_CORRUPT'],
    ['an unknown flag', { superBlock: { flags: 0x400n } }, 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['an odd chunk size', { superBlock: { chunkSize: 0x1001 } }, 'ERR_FORMAT_CORRUPT'],
    ['a blob id that is a path', { blobIds: ['../x'] }, 'ERR_FORMAT_CORRUPT'],
    ['a blob id of dots', { blobIds: ['..'] }, 'ERR_FORMAT_CORRUPT'],
    [
      'an extended table that is too short',
      { blobIds: [BLOB, 'b'], superBlock: { extendedBlobTableEntries: 1 } },
      'ERR_FORMAT_CORRUPT',
    ],
  ] as readonly (readonly [string, MadeTables, string])[])('refuses %s', (_, tables, code) => {
    expect(codeOf(() => openBootstrap(makeV5([rootNode(1), { name: 'f' }], tables)))).toBe(code)
  })
  it('takes the first compressor of several and lz4 for none, with a warning', () => {
    const compressorOf = (flags: bigint) =>
      openBootstrap(makeV5([rootNode(0)], { superBlock: { flags } })).compressor
    expect([0x89n, 0x8an, 0xc8n, 0x88n, 0x8n].map(compressorOf)).toEqual([
      'none',
      'lz4_block',
      'gzip',
      'zstd',
      'lz4_block',
    ])
    expect(openBootstrap(makeV5([rootNode(0)], { superBlock: { flags: 0x8cn } })).digester).toBe('blake3')
    expect(findings(makeV5([rootNode(0)], { superBlock: { flags: 0x8an } }))).toEqual([
      'warning superblock: flags 0x8a name 2 compressors',
    ])
  })
  it('reports what does not fit together', () => {
    const bytes = makeV5(
      [rootNode(2), { name: 'b', mtimeNsec: 1e9 }, { name: 'a', parentIno: 2, nlink: 2 }],
      { blobIds: [BLOB, BLOB], prefetch: [2, 9], superBlock: { inodeCount: 1 } },
    )
    expect(findings(bytes)).toEqual([
      `warning blob table: blob 1 repeats ${BLOB}`,
      expect.stringContaining('error prefetch table: inode 9'),
      'error /b: 1000000000 nanoseconds',
      'error /: entry a is not in ascending order',
      'error /a: parent is 2, expected 1',
      'warning superblock: 1 inodes, the tree has 3',
    ])
  })
  it('reports xattrs that other builders refuse', () => {
    const xattrs = [{ name: Buffer.from('usr.a'), value: Buffer.from('b') }]
    const bytes = makeV5([{ ...rootNode(0), xattrs }])
    expect(findings(bytes)).toEqual(['error /: xattr usr.a has no prefix that RAFS can store'])
  })
  it('ends soon when many nodes share one long record', () => {
    const count = 400
    const long = file({}, { chunks: new Uint8Array(80 * 2000), size: 16 })
    const nodes = [rootNode(count), ...Array.from({ length: count }, () => ({ name: 'f' }))]
    const bytes = makeV5([...nodes.slice(0, -1), long], {
      blobIds: [BLOB],
      offsets: (places) => places.map((place, i) => (i === 0 ? place : (places.at(-1) ?? 0))),
    })
    // All claim to be the last node, which is not what their index says.
    expect(codeOf(() => [...walkTree(openBootstrap(bytes))])).toBe('ERR_FORMAT_CORRUPT')
    expect(codeOf(() => openBootstrap(bytes).chunkTable())).toBe('ERR_FORMAT_CORRUPT')
    expect(findings(bytes).length).toBeLessThanOrEqual(100)
  })
  it('ends soon when directories share children', () => {
    const count = 200
    const directories = Array.from({ length: count }, (_, i) => dirNode(`d${i}`, count + 2, count))
    const files = Array.from({ length: count }, (_, i) => ({ name: `f${i}` }))
    const bootstrap = openBootstrap(makeV5([rootNode(count), ...directories, ...files]))
    expect(codeOf(() => [...walkTree(bootstrap)])).toBe('ERR_FORMAT_CORRUPT')
  })
})
