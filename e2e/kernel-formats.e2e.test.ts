// SPDX-License-Identifier: Apache-2.0
/** Every form of RAFS v6 that the kernel can mount is mounted by the kernel and compared with its source. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChunkPool, createChunkPool, veritySetupOptions } from '@nydus/builder'
import { openGoldens } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMount } from './src/foreground.ts'
import { mountErofs } from './src/kernel-erofs.ts'
import { findPeers } from './src/peers.ts'
import { must, reasonToSkip, run } from './src/run.ts'
import { compareTrees, type ListedFile, scanTree } from './src/trees.ts'
import {
  type BuiltImage,
  compactedImage,
  deviceFiles,
  diskFile,
  layerImage,
  mergedImage,
  optimizedImage,
  tarfsImage,
} from './src/v6-forms.ts'

const skip = reasonToSkip(['tar', 'python3', 'losetup', 'mount', 'veritysetup'])

const peers = findPeers()
if (peers === undefined)
  process.stderr.write('\n[nydus] SKIPPED rewritten images for the original: NYDUS_PEERS is not set\n')

/** How one layer becomes an image. */
type Form = (tar: Uint8Array, pool: ChunkPool) => Promise<BuiltImage>

/** What the kernel sees: places of chunks, sizes of blocks. */
const LAYOUTS: Readonly<Record<string, Form>> = {
  'zstd chunks': (tar, pool) => layerImage(tar, pool),
  'chunks of 4 KiB': (tar, pool) => layerImage(tar, pool, { chunkSize: 0x1000 }),
  tarfs: (tar) => tarfsImage(tar),
}
/** What only those see who decode the blobs, and sizes in between. */
const ENCODINGS: Readonly<Record<string, Form>> = {
  'uncompressed chunks': (tar, pool) => layerImage(tar, pool, { compressor: 'none' }),
  'lz4 chunks': (tar, pool) => layerImage(tar, pool, { compressor: 'lz4_block', digester: 'sha256' }),
  'chunks of 64 KiB': (tar, pool) => layerImage(tar, pool, { chunkSize: 0x1_0000 }),
  'chunks of 16 MiB': (tar, pool) => layerImage(tar, pool, { chunkSize: 0x100_0000 }),
  'a table of contents': (tar, pool) => layerImage(tar, pool, { blobToc: true }),
  'batches of small files': (tar, pool) => layerImage(tar, pool, { batchSize: 0x10_0000 }),
  'encrypted chunks': (tar, pool) => layerImage(tar, pool, { encrypt: true }),
  'tarfs with chunks of 4 KiB': (tar) => tarfsImage(tar, 0x1000),
}
/** Trees with every kind of file; `mixed` has the file sizes that matter. */
const TREES = ['mixed', 'types', 'names', 'xattrs', 'many', 'gnu', 'rand0']
/** Later times are not compared: the file system that the source is unpacked to may not be able to hold them. */
const LAST_MTIME = 2 ** 31 - 1

describe.skipIf(skip !== undefined)('RAFS v6 in the kernel', () => {
  const goldens = openGoldens()
  const work = mkdtempSync(join(tmpdir(), 'nydus-kernel-formats-'))
  const at = (...names: string[]) => join(work, ...names)
  const expected = new Map<string, Map<string, ListedFile>>()
  let pool: ChunkPool

  /** The tree as tar unpacks it. */
  async function sourceOf(tree: string): Promise<Map<string, ListedFile>> {
    const known = expected.get(tree)
    if (known !== undefined) return known
    mkdirSync(at('source', tree), { recursive: true })
    writeFileSync(at('source.tar'), goldens.tar(tree))
    const options = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--delay-directory-restore']
    await must(['tar', '-xpf', at('source.tar'), '-C', at('source', tree), ...options])
    const listing = await list(at('source', tree))
    expected.set(tree, listing)
    return listing
  }

  async function mounted(primary: string, devices: readonly string[]): Promise<Map<string, ListedFile>> {
    const mount = await mountErofs(primary, devices, at('mnt'))
    try {
      return await list(mount.mountpoint)
    } finally {
      await mount.close()
    }
  }

  /** Mounted with a device for each blob, and as one disk. */
  async function expectEqual(image: BuiltImage, source: Map<string, ListedFile>): Promise<void> {
    const { bootstrap, devices } = await deviceFiles(image, at('image'))
    expect(compareTrees(source, await mounted(bootstrap, devices)), 'with devices').toEqual([])
    await diskFile(image, at('disk'), false)
    expect(compareTrees(source, await mounted(at('disk'), [])), 'as one disk').toEqual([])
  }

  beforeAll(() => {
    pool = createChunkPool()
    mkdirSync(at('mnt'))
  })

  afterAll(async () => {
    await run(['umount', '-l', at('mnt')])
    await pool.close()
    rmSync(work, { recursive: true, force: true })
  })

  describe.each(Object.entries(LAYOUTS))('%s', (_name, build) => {
    it.each(TREES)('%s', async (tree) => {
      await expectEqual(await build(goldens.tar(tree), pool), await sourceOf(tree))
    })
  })

  it.each(Object.entries(ENCODINGS))('%s', async (_name, build) => {
    await expectEqual(await build(goldens.tar('mixed'), pool), await sourceOf('mixed'))
  })

  describe('images of several blobs', () => {
    const set = goldens.layerSets[0]
    let merged: BuiltImage
    let source: Map<string, ListedFile>

    beforeAll(async () => {
      const layers: BuiltImage[] = []
      for (const tree of set?.trees ?? [])
        layers.push(await layerImage(goldens.tar(tree), pool, { blobToc: true }))
      merged = mergedImage(layers)
      const { bootstrap, devices } = await deviceFiles(merged, at('merged'))
      source = await mounted(bootstrap, devices)
      // The listing of the goldens is an OCI application of the layers by another implementation.
      const names = goldens.listing(set?.listing as Parameters<typeof goldens.listing>[0]).length
      expect(source.size).toBe(names - 1)
    })

    it('merged', () => expectEqual(merged, source))
    it('compacted', async () => expectEqual(await compactedImage(merged), source))
    it('optimized', async () => {
      const paths = [...source.values()].filter(({ size }) => Number(size) > 0).map(({ name }) => `/${name}`)
      expect(paths.length).toBeGreaterThan(3)
      await expectEqual(await optimizedImage(merged, paths.slice(0, 3)), source)
    })
    it('optimized out of an encrypted layer', async () => {
      const image = await layerImage(goldens.tar('mixed'), pool, { encrypt: true })
      await expectEqual(await optimizedImage(image, ['/text', '/sizes/m1']), await sourceOf('mixed'))
    })
  })

  describe.skipIf(peers === undefined)('rewritten images for the original', () => {
    it.each([6, 5] as const)(
      'RAFS v%d: its check accepts them, its daemon shows the source',
      async (fsVersion) => {
        const options = { fsVersion, ...(fsVersion === 6 && { blobToc: true }) }
        const layers: BuiltImage[] = []
        for (const tree of ['layer0', 'mixed'])
          layers.push(await layerImage(goldens.tar(tree), pool, options))
        const merged = mergedImage(layers)
        const optimized = await optimizedImage(merged, ['/text', '/sizes/m1', '/dedup/three'])
        const source = await served(merged)
        for (const image of [optimized, await compactedImage(merged), await compactedImage(optimized)])
          expect(compareTrees(source, await served(image))).toEqual([])
      },
    )

    it('encrypted and batched sources', async () => {
      for (const options of [{ encrypt: true }, { batchSize: 0x10_0000 }]) {
        const image = await layerImage(goldens.tar('mixed'), pool, options)
        const source = await sourceOf('mixed')
        const optimized = await optimizedImage(image, ['/text', '/sizes/m1', '/random', '/zeros'])
        expect(compareTrees(source, await served(optimized))).toEqual([])
        expect(compareTrees(source, await served(await compactedImage(optimized)))).toEqual([])
      }
    })

    /** Checked by nydus-image, mounted by nydusd. */
    async function served({ bootstrap, blobs }: BuiltImage): Promise<Map<string, ListedFile>> {
      const directory = mkdtempSync(at('peer-'))
      for (const [blobId, bytes] of blobs) writeFileSync(join(directory, blobId), bytes)
      const boot = join(directory, 'image.boot')
      writeFileSync(boot, bootstrap)
      await must([peers?.nydusImage ?? '', 'check', '-B', boot])
      const places = ['-B', boot, '-D', directory, '-M', at('mnt'), '--apisock', join(directory, 'api.sock')]
      const mount = await startMount(
        [peers?.nydusd ?? '', 'fuse', ...places, '--log-level', 'error'],
        at('mnt'),
      )
      try {
        return await list(at('mnt'))
      } finally {
        await mount.stop()
      }
    }
  })

  describe('disk images with a verity tree', () => {
    it.each([
      ['blocks of 4096 bytes', 'mixed', LAYOUTS['zstd chunks']],
      ['blocks of 512 bytes', 'mixed', LAYOUTS.tarfs],
      ['less than a page of digests', 'gnu', LAYOUTS.tarfs],
    ])('%s: veritysetup accepts them, and no damaged block', async (_name, tree, build) => {
      const image = await (build as Form)(goldens.tar(tree), pool)
      const disk = await diskFile(image, at('disk'), true)
      const verify = () =>
        run(['veritysetup', 'verify', ...verityArguments(veritySetupOptions(disk), at('disk'))])
      const intact = await verify()
      expect(intact.status, intact.output).toBe(0)
      expect(compareTrees(await sourceOf(tree), await mounted(at('disk'), []))).toEqual([])
      await flipByte(at('disk'), disk.size - 1)
      expect((await verify()).status).not.toBe(0)
    })
  })
})

async function list(directory: string): Promise<Map<string, ListedFile>> {
  const files = await scanTree(directory)
  const clamped = [...files].map(([path, file]): [string, ListedFile] => [
    path,
    { ...file, mtime: Math.min(Number(file.mtime), LAST_MTIME) },
  ])
  return new Map(clamped)
}

/** The line that is printed, as arguments: data and hashes are in the same file. */
function verityArguments(line: string, path: string): string[] {
  const words = line.replace('dm-verity options: ', '').split(' ')
  const root = words.pop() ?? ''
  return [...words.map((word) => (word === '""' ? '' : word)), path, path, root]
}

async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, position)
  byte[0] = (byte[0] ?? 0) ^ 1
  await file.write(byte, 0, 1, position)
  await file.close()
}
