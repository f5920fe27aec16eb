// SPDX-License-Identifier: Apache-2.0
// Every v5 bootstrap of the original says through our reader what it says through the original's tools.
import { describe, expect, it } from 'vitest'
import {
  dumpBootstrap,
  hexText,
  openBootstrap,
  readDirectory,
  readFileChunks,
  readInode,
  readV5Inode,
  S_IFMT,
  type V5Bootstrap,
  validateBootstrap,
  walkTree,
} from '../../src/index.ts'
import { type ListingLine, listing, load, type StoredFile, v5Bootstraps } from '../golden.ts'
import { listingOf } from '../listing-of.ts'
import { openV5 } from './open-v5.ts'

const GOLDENS = v5Bootstraps()
const MAIN = GOLDENS.filter(({ output }) => output === 'bootstrap')
// A hard link to a file with xattrs: its record is longer than the next one's place, the original's check refuses it too.
const REFUSED = 'quirk-hardlink-xattr-tar-v5'
// The original's tar builds on a parent put chunks of the new layer into the parent's blob.
const WITH_WARNINGS = new Set(['own-chain1-v5', 'own-chain2-v5'])

// The same, and the original daemon then fails to list it.
const UNLISTED = 'own-chain2-v5'
// The link has another mtime than its target; the check reads every record, a mount only that of the group's first member.
const MANY_RECORDS = 'quirk-hardlink-meta-tar-v5'

interface Checked {
  readonly check?: { readonly stdout?: StoredFile }
  readonly inspect?: {
    readonly stats: { readonly inodes_count: number }
    readonly blobs: readonly Readonly<Record<string, unknown>>[]
    readonly prefetch: readonly { readonly inode?: number }[]
  }
}

/** The original daemon shows the time of its start for a modification in second 0, and mode 0755 for the root. */
function comparable(path: string, line: ListingLine, stored: ListingLine): ListingLine {
  const { sha256: _, mtime, ...rest } = line
  return { path, ...rest, ...(stored.mtime !== 0 && { mtime }), ...(path === '.' && { mode: '0755' }) }
}

describe('a v5 bootstrap', () => {
  it('is there often', () => {
    expect(GOLDENS.length).toBeGreaterThan(140)
    expect(new Set(MAIN.map(({ fixture }) => fixture.kind))).toEqual(
      new Set(['create', 'create-quirk', 'merge', 'optimize']),
    )
  })

  const mounted = MAIN.filter(({ id, fixture }) => id !== UNLISTED && fixture.expected?.fuse?.path)
  it.each(mounted)('$id is listed as the original daemon does', ({ bytes, fixture }) => {
    const expected = listing(fixture.expected?.fuse as StoredFile)
    const found = listingOf(openBootstrap(bytes))
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
    for (const [path, line] of expected) {
      const stored = found.get(path) ?? {}
      expect(comparable(path, stored, stored)).toEqual(comparable(path, line, stored))
    }
  })
  it('covers many listings', () => expect(mounted.length).toBeGreaterThan(60))

  const inspected = MAIN.filter(({ fixture }) => (fixture as Checked).inspect)
  it.each(inspected)('$id has the tables that the original inspects', ({ bytes, fixture }) => {
    const { inodeCount, blobs } = openBootstrap(bytes)
    const { inspect } = fixture as Checked
    expect(inodeCount).toBe(inspect?.stats.inodes_count)
    expect(
      blobs.map((blob) => ({
        blob_id: blob.blobId,
        compressed_size: blob.compressedSize,
        decompressed_size: blob.uncompressedSize,
        readahead_offset: blob.readaheadOffset,
        readahead_size: blob.readaheadSize,
      })),
    ).toEqual(inspect?.blobs)
  })
  it('covers many inspections', () => expect(inspected.length).toBeGreaterThan(60))

  const checked = MAIN.filter(
    ({ id, fixture }) => ![REFUSED, MANY_RECORDS].includes(id) && (fixture as Checked).check?.stdout?.path,
  )
  it.each(checked)('$id has the inodes and chunks that the original checks', ({ bytes, fixture }) => {
    const text = new TextDecoder().decode(load((fixture as Checked).check?.stdout as StoredFile))
    expect(checkLines(openV5(bytes))).toEqual(text.split('\n').flatMap(comparableLine))
  })
  it('covers many checks', () => expect(checked.length).toBeGreaterThan(60))

  it.each(GOLDENS.filter(({ id }) => id !== REFUSED && !WITH_WARNINGS.has(id)))(
    '$id ($output) has no findings',
    ({ bytes }) => expect(validateBootstrap(bytes)).toEqual([]),
  )
  it.each(GOLDENS.filter(({ id }) => WITH_WARNINGS.has(id)))('$id has warnings', ({ bytes }) => {
    const findings = validateBootstrap(bytes)
    expect(findings.length).toBeGreaterThan(0)
    expect(findings.every(({ severity }) => severity === 'warning')).toBe(true)
  })
  it('whose link overlaps what follows is refused, as the original check does', () => {
    const golden = GOLDENS.find(({ id }) => id === REFUSED)
    expect(validateBootstrap(golden?.bytes ?? new Uint8Array())).toMatchObject([
      { severity: 'error', place: '/link' },
    ])
  })

  it.each(GOLDENS)('$id ($output) is dumped, a line an inode', ({ bytes }) => {
    const bootstrap = openBootstrap(bytes)
    const lines = [...dumpBootstrap(bootstrap)]
    expect(lines[0]).toMatch(/^rafs v5 chunkSize=\d+ /)
    expect(lines.filter((line) => line.startsWith('inode '))).toHaveLength([...walkTree(bootstrap)].length)
    expect(lines.every((line) => !line.includes('\n'))).toBe(true)
  })

  it.each([
    ['mixed-prefetch-v5-fs-root', [1]],
    ['mixed-prefetch-v5-none-dirs', []],
  ])('%s fetches ahead %j', (id, nids) => {
    const golden = MAIN.find((candidate) => candidate.id === id)
    expect(openBootstrap(golden?.bytes ?? new Uint8Array()).prefetchNids()).toEqual(nids)
  })

  it('is read from shared memory without copying it', () => {
    const { bytes } = MAIN.find(({ id }) => id === 'names-tar-v5') ?? { bytes: new Uint8Array() }
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 4096), 4096)
    shared.set(bytes)
    const bootstrap = openBootstrap(shared)
    expect(bootstrap.bytes.buffer).toBe(shared.buffer)
    expect([...listingOf(bootstrap)]).toEqual([...listingOf(openBootstrap(bytes))])
  })

  it('is opened without a look at inodes', () => {
    const bytes = MAIN.find(({ id }) => id === 'many-tar-v5')?.bytes.slice() ?? new Uint8Array()
    const bootstrap = openV5(bytes)
    const { extendedBlobTableOffset } = bootstrap.superBlock
    bytes.fill(0xff, extendedBlobTableOffset + 64)
    expect(openBootstrap(bytes).blobs).toHaveLength(1)
    expect(() => readInode(bootstrap, 1)).toThrowError(expect.objectContaining({ code: expect.any(String) }))
  })

  it.each(MAIN.slice(0, 60))('$id lists directories from any cookie on', ({ bytes }) => {
    const bootstrap = openBootstrap(bytes)
    const all = [...readDirectory(bootstrap, bootstrap.rootNid)]
    expect(all.map(({ cookie }) => cookie)).toEqual(all.map((_, i) => i + 1))
    for (const cookie of [0, 1, 2, 3, all.length]) {
      expect([...readDirectory(bootstrap, bootstrap.rootNid, cookie)]).toEqual(all.slice(cookie))
    }
  })
})

const INODE =
  /^inode: .* child_index (\d+) child_count (\d+) i_nlink (\d+) i_size (\d+) i_blocks (\d+) .*i_symlink_size (\d+) has_xattr (\w+) .*i_mtime (-?\d+) i_mtime_nsec (\d+)$/
const CHUNK =
  /chunk: id (\w+), index (\d+), blob_index (\d+), file_offset (\d+), compressed (\d+)\/(\d+), uncompressed (\d+)\/(\d+)/

function comparableLine(line: string): string[] {
  const found = INODE.exec(line) ?? CHUNK.exec(line)
  return found ? [found.slice(1).join(' ')] : []
}

function checkLines(bootstrap: V5Bootstrap): string[] {
  return [...walkTree(bootstrap)].flatMap(({ inode }) => {
    const { childIndex, childCount, blocks, symlinkSize } = readV5Inode(bootstrap, inode.nid)
    const { nlink, size, xattrSize, mtime, mtimeNsec } = inode
    const seconds = BigInt.asUintN(64, BigInt(mtime))
    const line = [childIndex, childCount, nlink, size, blocks, symlinkSize, xattrSize > 0, seconds, mtimeNsec]
    const chunks = (inode.mode & S_IFMT) === 0x8000 ? readFileChunks(bootstrap, inode.nid) : []
    return [
      line.join(' '),
      ...chunks.map((chunk) =>
        [
          hexText(chunk.digest),
          chunk.chunkIndex,
          chunk.blobIndex,
          chunk.fileOffset,
          chunk.compressedOffset,
          chunk.compressedSize,
          chunk.uncompressedOffset,
          chunk.uncompressedSize,
        ].join(' '),
      ),
    ]
  })
}
