// SPDX-License-Identifier: Apache-2.0
/** RAFS v5 bootstraps of random trees: read back, they are the same trees; in pieces, they are the same bytes. */
import { FILE_TYPE, openBootstrap, validateBootstrap, walkTree } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import {
  type BootstrapInput,
  writeBootstrap,
  writeBootstrapPieces,
} from '../../src/bootstrap/write-bootstrap.ts'
import { writeBootstrapPiecesV6 } from '../../src/bootstrap/write-bootstrap-v6.ts'
import { byteName } from '../../src/tree/byte-name.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { createNode, type Node } from '../../src/tree/node.ts'
import { RANDOM_CHUNK_SIZE, randomTree } from '../random-tree.ts'
import { directory, emptyFile, symlink } from '../tree-builder.ts'

const NONE = new Uint8Array(32)

function inputOf(root: Node, chunks: ChunkStore, blobSize: number, fsVersion: 5 | 6): BootstrapInput {
  const blob = {
    blobId: 'b'.repeat(64),
    chunkCount: chunks.count,
    compressor: 'none',
    digester: 'sha256',
    features: 1,
    compressedSize: blobSize,
    uncompressedSize: blobSize,
    tocSize: 0,
    tocDigest: NONE,
    metaCompressor: 'none',
    metaOffset: blobSize,
    metaCompressedSize: 16 * chunks.count,
    metaUncompressedSize: 16 * chunks.count,
    metaBlobDigest: NONE,
    metaBlobSize: 0,
    ivTail: new Uint8Array(8),
    cipher: 0,
  } as const
  return {
    fsVersion,
    tree: { root, chunks },
    blobs: blobSize === 0 ? [] : [blob],
    chunkSize: RANDOM_CHUNK_SIZE,
    compressor: 'none',
    digester: 'sha256',
  }
}

function flatten(root: Node): Map<string, Node> {
  const found = new Map<string, Node>([['', root]])
  const pending = [{ path: '', node: root }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, node] of next.node.children ?? []) {
      const path = next.path === '' ? name : `${next.path}/${name}`
      found.set(path, node)
      pending.push({ path, node })
    }
  }
  return found
}

describe('writeBootstrap of RAFS v5', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))('random tree %i', (seed) => {
    const { root, chunks, blobSize } = randomTree(seed)
    const bytes = writeBootstrap(inputOf(root, chunks, blobSize, 5))
    expect(bytes.length % 8).toBe(0)
    const image = openBootstrap(bytes)
    expect([...validateBootstrap(bytes)].filter(({ severity }) => severity === 'error')).toEqual([])
    const nodes = flatten(root)
    const seen = new Set<string>()
    for (const { path, inode } of walkTree(image)) {
      const name = path.map(byteName).join('/')
      const node = nodes.get(name)
      seen.add(name)
      const { mode, uid, gid, mtime, chunkCount } = node as Node
      expect(inode).toMatchObject({ mode, uid, gid, mtime })
      if ((mode & FILE_TYPE.REGULAR) === FILE_TYPE.REGULAR) {
        expect(inode.size).toBe(node?.size)
        expect('childCount' in inode && inode.childCount).toBe(chunkCount)
      }
    }
    expect(seen.size).toBe(nodes.size)
  })

  it('shares inodes of files only: other hard links become copies', () => {
    const [file, link] = [emptyFile(), symlink('x')]
    const root = directory({ a: file, d: directory({ b: file, s: link }), s: link })
    const image = openBootstrap(writeBootstrap(inputOf(root, new ChunkStore(), 0, 5)))
    const inodes = new Map(
      [...walkTree(image)].map(({ path, inode }) => [path.map(byteName).join('/'), inode]),
    )
    expect(inodes.get('d/b')).toMatchObject({ nid: inodes.get('a')?.nid, nlink: 2 })
    expect(inodes.get('d/s')?.nid).not.toBe(inodes.get('s')?.nid)
    expect(inodes.get('s')?.nlink).toBe(1)
  })

  it('counts a directory by its names, unless its size is known', () => {
    const long = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`${'n'.repeat(60)}${i}`, emptyFile()]),
    )
    const known = directory({})
    known.size = 12_288
    const root = directory({ long: directory(long), empty: directory({}), known })
    const image = openBootstrap(writeBootstrap(inputOf(root, new ChunkStore(), 0, 5)))
    const sizes = new Map(
      [...walkTree(image)].map(({ path, inode }) => [path.map(byteName).join('/'), inode.size]),
    )
    expect([sizes.get('long'), sizes.get('empty'), sizes.get('known'), sizes.get('')]).toEqual([
      8192, 4096, 12_288, 4096,
    ])
  })

  it('refuses more blobs than an image can have, and chunks of blobs that are not there', () => {
    const { root, chunks, blobSize } = randomTree(3)
    const input = inputOf(root, chunks, blobSize, 5)
    const [blob] = input.blobs
    if (blob === undefined) throw new Error('the tree has no data')
    expect(() => writeBootstrap({ ...input, blobs: new Array(256).fill(blob) })).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_TOO_LARGE' }),
    )
    expect(() => writeBootstrap({ ...input, blobs: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
    const short = createNode({ mode: FILE_TYPE.REGULAR | 0o644, size: 1 })
    expect(() => writeBootstrap({ ...input, tree: { root: directory({ short }), chunks } })).toThrow(
      /0 chunks, 1/,
    )
  })
})

describe.each([5, 6] as const)('writeBootstrapPieces of RAFS v%i', (fsVersion) => {
  it.each([false, true])('gives the same bytes, pieces used again: %s', (reuse) => {
    for (const seed of [1, 7, 11]) {
      const { root, chunks, blobSize } = randomTree(seed)
      const input = inputOf(root, chunks, blobSize, fsVersion)
      const pieces: Uint8Array[] = []
      for (const piece of writeBootstrapPieces(input, reuse)) pieces.push(piece.slice())
      expect(Buffer.compare(Buffer.concat(pieces), writeBootstrap(input))).toBe(0)
    }
  })
})

describe('writeBootstrapPiecesV6', () => {
  it.each([61, 4096, 5000])('cuts inodes, directories and targets anywhere: pieces of %i bytes', (size) => {
    for (const seed of [1, 7, 11, 12, 13]) {
      const { root, chunks, blobSize } = randomTree(seed)
      const input = inputOf(root, chunks, blobSize, 6)
      const pieces: Uint8Array[] = []
      for (const piece of writeBootstrapPiecesV6(input, true, size)) pieces.push(piece.slice())
      expect(Buffer.compare(Buffer.concat(pieces), writeBootstrap(input))).toBe(0)
    }
  })

  it('throws before the first piece', () => {
    const long = directory({ ['n'.repeat(256)]: emptyFile({}) })
    const pieces = writeBootstrapPiecesV6(inputOf(long, new ChunkStore(), 0, 6), false)
    expect(() => pieces.next()).toThrow(expect.objectContaining({ code: 'ERR_BUILD_TOO_LARGE' }))
  })
})
