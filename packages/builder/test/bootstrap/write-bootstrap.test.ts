// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBootstrap, validateBootstrap, walkTree } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTree } from '../../src/bootstrap/load-tree.ts'
import { type BootstrapInput, writeBootstrap } from '../../src/bootstrap/write-bootstrap.ts'
import { displayPath } from '../../src/tree/byte-name.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { RANDOM_CHUNK_SIZE, randomTree } from '../random-tree.ts'
import { blobOf, directory, emptyFile, fileChunks } from '../tree-builder.ts'

function inputOf(seed: number): BootstrapInput {
  const tree = randomTree(seed)
  return {
    tree,
    blobs: tree.chunks.count === 0 ? [] : [blobOf(tree.blobSize, tree.chunks.count)],
    chunkSize: RANDOM_CHUNK_SIZE,
    compressor: 'none',
    digester: 'sha256',
  }
}

const SEEDS = Array.from({ length: 12 }, (_, i) => 1000 + i)

describe('writeBootstrap of random trees', () => {
  it.each(SEEDS)('%i is read back as it was and validates', (seed) => {
    const input = inputOf(seed)
    const bytes = writeBootstrap(input)
    expect(validateBootstrap(bytes)).toEqual([])
    const chunks = new ChunkStore()
    const { root } = loadTree(openBootstrap(bytes), chunks)
    expect(Buffer.compare(writeBootstrap({ ...input, tree: { root, chunks } }), bytes)).toBe(0)
  })
})

const fsck = spawnSync('fsck.erofs', ['-V']).status === 0
if (!fsck) console.warn('skipped: fsck.erofs (package erofs-utils) is not on PATH')

describe.skipIf(!fsck)('fsck.erofs accepts', () => {
  const work = mkdtempSync(join(tmpdir(), 'nydus-builder-'))
  afterAll(() => rmSync(work, { recursive: true }))

  it.each(SEEDS)('random tree %i', (seed) => {
    const input = inputOf(seed)
    const image = join(work, `${seed}.boot`)
    const device = join(work, `${seed}.data`)
    writeFileSync(image, writeBootstrap(input))
    writeFileSync(device, '')
    truncateSync(device, input.blobs[0]?.uncompressedSize ?? 0)
    const devices = input.blobs.length === 0 ? [] : [`--device=${device}`]
    const { status, stderr } = spawnSync('fsck.erofs', ['--extract', ...devices, image], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

describe('writeBootstrap', () => {
  const small = (members: Partial<BootstrapInput> = {}): BootstrapInput => ({
    tree: { root: directory({ f: emptyFile() }), chunks: new ChunkStore() },
    blobs: [],
    chunkSize: 4096,
    compressor: 'zstd',
    digester: 'blake3',
    ...members,
  })

  it('sets HAS_XATTR only when an inode has some', () => {
    const xattrs = [{ name: new TextEncoder().encode('user.k'), value: new Uint8Array(1) }]
    const tree = { root: directory({ f: emptyFile({ xattrs }) }), chunks: new ChunkStore() }
    const flagsOf = (input: BootstrapInput) => openBootstrap(writeBootstrap(input)).flags & 0x20n
    expect([flagsOf(small()), flagsOf(small({ tree })), flagsOf(small({ extraFlags: 0x20n }))]).toEqual([
      0n,
      0x20n,
      0x20n,
    ])
  })

  it('leaves EXPLICIT_UID_GID out on request', () => {
    expect(openBootstrap(writeBootstrap(small({ explicitOwners: false }))).flags & 0x10n).toBe(0n)
  })

  it('makes one big chunk for the kernel of a file whose chunks follow each other', () => {
    const chunks = new ChunkStore()
    const start = { offset: 0 }
    const whole = emptyFile(fileChunks(chunks, 5 * 4096 - 1, 4096, 1, start))
    const single = emptyFile(fileChunks(chunks, 4096, 4096, 2, start))
    const first = fileChunks(chunks, 4096, 4096, 3, start)
    start.offset += 4096
    fileChunks(chunks, 4096, 4096, 4, start)
    const apart = emptyFile({ ...first, size: 2 * 4096, chunkCount: 2 })
    const tree = { root: directory({ apart, single, whole }), chunks }
    const bootstrap = openBootstrap(
      writeBootstrap(small({ tree, blobs: [blobOf(start.offset, chunks.count)] })),
    )
    const unions = [...walkTree(bootstrap)]
      .slice(1)
      .map(({ path, inode }) => [displayPath(path), inode.union])
    // Flag 0x20 and log2(chunk size / 4 KiB): 32 KiB hold the whole file.
    expect(unions).toEqual([
      ['/apart', 0x20],
      ['/single', 0x20],
      ['/whole', 0x23],
    ])
  })

  it('refuses files whose chunks do not cover them', () => {
    const root = directory({ f: emptyFile({ size: 1 }) })
    expect(() => writeBootstrap(small({ tree: { root, chunks: new ChunkStore() } }))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
  })

  it('refuses chunks of a blob that is not in the table', () => {
    const chunks = new ChunkStore()
    const root = directory({ f: emptyFile(fileChunks(chunks, 1, 4096, 1, { offset: 0 })) })
    expect(() => writeBootstrap(small({ tree: { root, chunks } }))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
  })

  it('refuses more than 254 blobs, and places 254 of them', () => {
    const blobs = Array.from({ length: 255 }, (_, i) => blobOf(4096, 1, i.toString(16).padStart(64, '0')))
    expect(() => writeBootstrap(small({ blobs }))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_TOO_LARGE' }),
    )
    const bootstrap = openBootstrap(writeBootstrap(small({ blobs: blobs.slice(1), prefetchPatterns: ['/'] })))
    expect([bootstrap.blobs.length, bootstrap.prefetchNids()]).toEqual([254, [128]])
  })
})
