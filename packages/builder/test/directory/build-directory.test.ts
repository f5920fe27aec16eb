// SPDX-License-Identifier: Apache-2.0
/** Directories made here: what a build keeps, refuses and notices. */
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  openBootstrap,
  readFileChunks,
  readSymlink,
  readXattrs,
  walkTree,
  type Xattr,
} from '@nydus/rafs-format'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type BuildDirectoryOptions, buildDirectory, createChunkPool } from '../../src/index.ts'
import { byteName } from '../../src/tree/byte-name.ts'
import { memorySink, noise } from '../layer-bytes.ts'

const pool = createChunkPool({ workers: 1 })
afterAll(() => pool.close())

const made: string[] = []
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

function directory(files: Readonly<Record<string, Uint8Array | string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'nydus-dir-'))
  made.push(path)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), content)
  }
  return path
}

async function build(path: string | Uint8Array, options: Partial<BuildDirectoryOptions> = {}) {
  const sink = memorySink()
  const apart = { blobInlineMeta: false, blobToc: false }
  const result = await buildDirectory(path, { pool, sink, ...apart, ...options })
  return { ...result, blob: sink.bytes() }
}

function entriesOf(bootstrap: Uint8Array) {
  const image = openBootstrap(bootstrap)
  const entries = [...walkTree(image)].map(
    (entry) => [entry.path.map(byteName).join('/'), entry.inode] as const,
  )
  return { image, entries: new Map(entries), names: entries.map(([name]) => name) }
}

const encode = (text: string) => new TextEncoder().encode(text)

describe.each([5, 6] as const)('buildDirectory of RAFS v%i', (fsVersion) => {
  it('keeps hard links, symlinks, times and names that are no UTF-8', async () => {
    const path = directory({ 'a/file': noise(9000), empty: '' })
    linkSync(join(path, 'a/file'), join(path, 'z'))
    symlinkSync('a/file', join(path, 'link'))
    writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0x41])]), 'odd')
    utimesSync(join(path, 'empty'), new Date(-1500), new Date(-1500))
    const { bootstrap, entryCount } = await build(path, { fsVersion, chunkSize: 4096 })
    const { image, entries, names } = entriesOf(bootstrap)
    expect([...names].sort()).toEqual(['', 'a', 'a/file', 'empty', 'link', 'z', '\xffA'])
    expect(entryCount).toBe(6)
    const file = entries.get('a/file')
    expect(entries.get('z')?.nid).toBe(file?.nid)
    expect(file).toMatchObject({ size: 9000, nlink: 2 })
    expect(readFileChunks(image, file?.nid ?? 0).map(({ uncompressedSize }) => uncompressedSize)).toEqual([
      4096, 4096, 808,
    ])
    expect(byteName(readSymlink(image, entries.get('link')?.nid ?? 0))).toBe('a/file')
    expect(entries.get('empty')).toMatchObject({ size: 0, mtime: -2, mtimeNsec: 500_000_000 })
    expect(entries.get('')).toMatchObject({ mtime: 0, mtimeNsec: 0 })
  })

  it('stores hard-linked files once, and those of prefetch patterns first', async () => {
    const path = directory({ 'a/1': noise(10, 1), 'b/2': noise(10, 2), 'b/3': noise(10, 3), c: noise(10, 4) })
    linkSync(join(path, 'c'), join(path, 'b/4'))
    const plain = await build(path, { fsVersion, compressor: 'none' })
    expect(plain.chunkCount).toBe(4)
    expect(plain.dedupBytes).toBe(0)
    const order = (seeds: readonly number[]) => Buffer.concat(seeds.map((seed) => noise(10, seed)))
    expect(plain.blob.subarray(0, 40).equals(order([4, 1, 2, 3]))).toBe(true)
    const fetched = await build(path, {
      fsVersion,
      compressor: 'none',
      prefetchPatterns: ['/b/3', '/nothing', '/b', '/b/2'],
    })
    expect(fetched.blob.subarray(0, 40).equals(order([3, 2, 4, 1]))).toBe(true)
  })

  it('takes xattrs from the reader, sorted, and says which it cannot store', async () => {
    const path = directory({ file: 'x' })
    const xattr = (name: string): Xattr => ({ name: encode(name), value: encode(`of ${name}`) })
    const readXattrs = (at: Uint8Array) =>
      byteName(at).endsWith('/file') ? [xattr('user.b'), xattr('user.a')] : []
    const { image, entries } = entriesOf((await build(path, { fsVersion, readXattrs })).bootstrap)
    const found = xattrNames(image, entries.get('file')?.nid ?? 0)
    expect(found).toEqual(['user.a', 'user.b'])
    const later = async () => [xattr('system.nfs4_acl')]
    await expect(build(path, { fsVersion, readXattrs: later })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_UNSUPPORTED_ENTRY' }),
    )
    const failing = () => {
      throw new Error('no such call')
    }
    await expect(build(path, { fsVersion, readXattrs: failing })).rejects.toThrow(/reading xattrs failed/)
  })

  it('leaves whiteouts out without a parent, and applies them with one', async () => {
    const below = directory({ 'd/old': 'old', gone: 'gone', kept: 'kept' })
    const above = directory({ '.wh.gone': '', 'd/.wh..wh..opq': '', 'd/new': 'new' })
    const base = await build(below, { fsVersion })
    const { names: alone } = entriesOf((await build(above, { fsVersion })).bootstrap)
    expect(alone).toEqual(['', 'd', 'd/new'])
    const stacked = await build(above, { fsVersion, parent: base.bootstrap })
    expect(entriesOf(stacked.bootstrap).names).toEqual(['', 'd', 'd/new', 'kept'])
    const all = await build(above, { fsVersion, parent: base.bootstrap, whiteoutSpec: 'none' })
    expect(entriesOf(all.bootstrap).names).toContain('.wh.gone')
    expect(entriesOf(all.bootstrap).names).toContain('gone')
  })

  it('records no owners when it is to be repeatable', async () => {
    const { image, entries } = entriesOf(
      (await build(directory({ a: '' }), { fsVersion, repeatable: true })).bootstrap,
    )
    expect(entries.get('a')).toMatchObject({ uid: 0, gid: 0 })
    expect(image.flags & 0x10n).toBe(0n)
  })

  it('says how many stored bytes to read ahead, in RAFS v5', async () => {
    const path = directory({ a: noise(100, 1), b: noise(200, 2), c: noise(300, 3) })
    const options = {
      fsVersion,
      compressor: 'none',
      prefetchPatterns: ['/b'],
      prefetchPolicy: 'blob',
    } as const
    const { bootstrap, blobs } = await build(path, options)
    expect(blobs[0]?.readaheadSize).toBe(200)
    expect(openBootstrap(bootstrap).blobs[0]?.readaheadSize ?? 0).toBe(fsVersion === 5 ? 200 : 0)
  })
})

function xattrNames(image: ReturnType<typeof openBootstrap>, nid: number): string[] {
  return readXattrs(image, nid).map(({ name }) => byteName(name))
}

describe('files that change while a directory is built', () => {
  /** Changes the directory when the scan is over: at the first progress report or read of an xattr. */
  async function changing(change: (path: string) => void) {
    const path = directory({ a: noise(3 << 20, 1), b: noise(5000, 2) })
    let changed = false
    const readXattrs = (at: Uint8Array) => {
      // The scan reads everything about `b` before its xattrs, so this is after its lstat.
      if (byteName(at).endsWith('/b') && !changed) {
        changed = true
        change(path)
      }
      return []
    }
    return await build(path, { readXattrs })
  }

  it.each([
    ['shrink', (path: string) => truncateSync(join(path, 'b'), 10), /ends 4990 bytes early/],
    ['grow', (path: string) => appendFileSync(join(path, 'b'), 'more'), /5004 bytes, 5000 before/],
    ['vanish', (path: string) => unlinkSync(join(path, 'b')), /vanished/],
    ['are written to', (path: string) => utimesSync(join(path, 'b'), 1, 1), /somebody wrote to it/],
    [
      'become symlinks',
      (path: string) => {
        unlinkSync(join(path, 'b'))
        symlinkSync('a', join(path, 'b'))
      },
      /open failed/,
    ],
  ])('fail the build when they %s', async (_how, change, message) => {
    await expect(changing(change)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_IO', message: expect.stringMatching(message) }),
    )
  })

  it('and so does a directory that is not there, or is none', async () => {
    await expect(build('/nonexistent/nydus')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_IO' }),
    )
    const path = directory({ file: '' })
    await expect(build(join(path, 'file'))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_UNSUPPORTED_ENTRY' }),
    )
  })

  it('an abort ends it', async () => {
    const stop = new AbortController()
    stop.abort()
    await expect(build(directory({ a: 'a' }), { signal: stop.signal })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_INTERRUPTED' }),
    )
  })
})

describe('attributes', () => {
  const blobId = 'ab'.repeat(32)
  const line = (members: string) =>
    `/models/big type=external blob_index=0 blob_id=${blobId} chunk_size=1MiB chunk_0_compressed_offset=4096 ${members}`

  it('send files to the external bootstrap', async () => {
    const path = directory({ 'models/big': '', other: 'x' })
    const attributes = `# comment\n${line('compressed_size=9000000 file_size=3000000 crcs=0x1,0x2,3')}\n`
    const { bootstrap, external, externalBlobs } = await build(path, { attributes, fsVersion: 5 })
    expect(entriesOf(bootstrap).names).toEqual(['', 'other'])
    const { image, entries, names } = entriesOf(external)
    expect(names).toEqual(['', 'models', 'models/big'])
    const chunks = readFileChunks(image, entries.get('models/big')?.nid ?? 0)
    expect(chunks.map(({ compressedOffset, crc32c }) => [compressedOffset, crc32c])).toEqual([
      [4096, 1],
      [4096 + 0x100000, 2],
      [4096 + 0x200000, 3],
    ])
    expect(externalBlobs).toMatchObject([{ blobId, chunkCount: 3, compressedSize: 9_000_000 }])
  })

  it.each([
    ['compressed_size=x', 'compressed_size is x, not a number'],
    ['file_size=3000000 compressed_size=1 crcs=1', 'crcs has 1 values for 3 chunks'],
    ['compressed_size=1 crcs=zz', 'not a CRC in hex'],
    ['compressed_size=1 blob_id=short', 'blob_id is not 64 hex digits'],
    ['compressed_size=1 chunk_size=8k', 'chunk_size is 8000, the image is built with'],
    ['compressed_size=1 blob_index=1', 'no file is in external blob 0 of 2'],
    ['compressed_size=1 =odd', 'is no attribute'],
  ])('are refused: %s', async (members, message) => {
    const path = directory({ 'models/big': '' })
    await expect(build(path, { attributes: line(members), fsVersion: 5 })).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_OPTION_CONFLICT',
        message: expect.stringContaining(message),
      }),
    )
  })

  it('cannot say in RAFS v6 where a file is', async () => {
    const attributes = line('compressed_size=1')
    await expect(build(directory({ 'models/big': '' }), { attributes, fsVersion: 6 })).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_OPTION_CONFLICT',
        hint: expect.stringContaining('RAFS v5'),
      }),
    )
  })
})
