// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { bytesText, encodeDirents, openBootstrap, pathText, walkTree } from '../src/index.ts'
import { type ListingLine, listing, v6Bootstraps } from './golden.ts'
import { listingOf } from './listing-of.ts'
import { dir, makeBootstrap } from './make-bootstrap.ts'

const GOLDENS = v6Bootstraps()

/** The original daemon shows the time of its start for a modification in second 0, and mode 0755 for the root. */
function comparable(path: string, line: ListingLine, stored: ListingLine): ListingLine {
  const { sha256: _, mtime, ...rest } = line
  return { path, ...rest, ...(stored.mtime !== 0 && { mtime }), ...(path === '.' && { mode: '0755' }) }
}

describe('walkTree', () => {
  const mounted = GOLDENS.filter(({ fixture }) => fixture.expected?.fuse?.path)

  it.each(mounted)('lists $id as the original daemon does', ({ bytes, fixture }) => {
    const fuse = fixture.expected?.fuse
    if (!fuse) throw new Error('no listing')
    const expected = listing(fuse)
    const found = listingOf(openBootstrap(bytes))
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
    for (const [path, line] of expected) {
      const stored = found.get(path) ?? {}
      expect(comparable(path, stored, stored)).toEqual(comparable(path, line, stored))
    }
  })
  it('covers many bootstraps', () => expect(mounted.length).toBeGreaterThan(80))

  it('takes a directory that contains its parent for damage', () => {
    const bytes = makeBootstrap([
      { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128), dir('a', 136)] },
      { nid: 136, mode: 0o40755, entries: [dir('.', 136), dir('..', 128), dir('root', 128)] },
    ])
    expect(() => [...walkTree(openBootstrap(bytes))]).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
  })

  it('stops when many directories share one block of entries', () => {
    const name = (i: number): string => String.fromCharCode(0x61 + (i >> 4), 0x61 + (i & 15))
    const nids = Array.from({ length: 60 }, (_, i) => 160 + 4 * i)
    const files = Array.from({ length: 200 }, (_, i) => ({
      name: Buffer.from(name(i)),
      nid: 156,
      fileType: 1,
    }))
    const data = encodeDirents(files, 4096)
    const bytes = makeBootstrap([
      { nid: 128, mode: 0o40755, entries: nids.map((nid, i) => dir(name(i), nid)) },
      { nid: 156, mode: 0o100644 },
      ...nids.map((nid) => ({ nid, mode: 0o40755, plain: { block: 9, size: data.length } })),
    ])
    bytes.set(data, 9 * 4096)
    expect(() => [...walkTree(openBootstrap(bytes))]).toThrowError(/overlap/)
  })

  it('reports every dirent, dots included', () => {
    const bytes = makeBootstrap([
      {
        nid: 128,
        mode: 0o40755,
        entries: [dir('.', 128), dir('..', 128), { name: 'f', nid: 136, fileType: 1 }],
      },
      { nid: 136, mode: 0o100644 },
    ])
    const names: string[] = []
    const paths = [
      ...walkTree(openBootstrap(bytes), { onDirent: (_, { name }) => names.push(bytesText(name)) }),
    ]
    expect(names).toEqual(['.', '..', 'f'])
    expect(paths.map(({ path }) => pathText(path))).toEqual(['/', '/f'])
  })
})
