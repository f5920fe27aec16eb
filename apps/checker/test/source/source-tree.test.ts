// SPDX-License-Identifier: Apache-2.0
import { FILE_TYPE, S_IFMT } from '@nydus/rafs-format'
import { buildTar, openGoldens } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { type ByteText, textBytes } from '../../src/byte-path.ts'
import { applyChanges } from '../../src/source/apply-changes.ts'
import { readLayerChanges } from '../../src/source/layer-changes.ts'
import { impliedDirectory, nodeAt, type SourceNode } from '../../src/source/source-node.ts'

const goldens = openGoldens()
/** Files of the fixtures fit one chunk, so its digest is that of the whole file. */
const SCHEME = { chunkSize: 1 << 24, digester: 'sha256' } as const
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [FILE_TYPE.REGULAR]: 'reg',
  [FILE_TYPE.DIRECTORY]: 'dir',
  [FILE_TYPE.SYMLINK]: 'lnk',
  [FILE_TYPE.CHAR_DEVICE]: 'chr',
  [FILE_TYPE.BLOCK_DEVICE]: 'blk',
  [FILE_TYPE.FIFO]: 'fifo',
}
/** Trees whose listing was made without a rule that layers have, or that are refused; tested on their own. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'quirk-innerdots': 'the listing takes . and empty components for names',
  'quirk-forward-link': 'the listing leaves the link out; tested below',
  'layer-hl': 'links into a lower layer, which is not there',
  'quirk-missing-link': 'refused: the link has no target',
  'quirk-dotdot': 'refused: leaves the root',
  'quirk-dotdot-out': 'refused: leaves the root',
  'quirk-link-to-dir': 'refused: a hard link to a directory',
  'quirk-cut-header': 'refused: not a whole tar',
  'quirk-bad-sum': 'refused: not a tar',
  'quirk-unknown-type': 'refused: nothing says what it is',
}

describe('the source tree against an independent reader of tars', () => {
  const names = goldens.trees
    .filter(({ tar, listing }) => goldens.has(tar) && goldens.has(listing))
    .map(({ name }) => name)
  it.each(names.filter((name) => EXCEPTIONS[name] === undefined))(
    '%s has the objects of its listing',
    async (name) => {
      const { listing } = goldens.tree(name)
      if (!goldens.has(listing)) throw new Error('no listing')
      const root = await treeOf([goldens.tar(name)])
      const [found, expected] = [listingOf(root), expectedListing(goldens.listing(listing))]
      const odd = new Set(expected.filter(hasOddTime).map(({ path }) => path))
      expect(found.map((row) => withoutTime(row, odd))).toEqual(expected.map((row) => withoutTime(row, odd)))
    },
  )

  it.each([
    'quirk-missing-link',
    'quirk-dotdot',
    'quirk-dotdot-out',
    'quirk-cut-header',
    'quirk-bad-sum',
    'quirk-unknown-type',
  ])('%s is refused with a code', async (name) => {
    await expect(treeOf([goldens.tar(name)])).rejects.toHaveProperty('code')
  })
})

describe('the source tree against a plain application of layers', () => {
  it.each(goldens.layerSets.map(({ name }) => name))('%s', async (name) => {
    const set = goldens.layerSets.find((candidate) => candidate.name === name)
    if (set === undefined) throw new Error('no set')
    const root = await treeOf(set.trees.map((tree) => goldens.tar(tree)))
    expect(listingOf(root)).toEqual(expectedListing(goldens.listing(set.listing)))
  })
})

describe('layers put on top of each other', () => {
  const base = buildTar([
    { path: 'dir', type: 'directory', mode: 0o700, uid: 5 },
    { path: 'dir/old', content: 'old' },
    { path: 'file', content: 'file' },
  ])

  it('a directory without an entry keeps the attributes of the one below', async () => {
    const root = await treeOf([base, buildTar([{ path: 'dir/new', content: 'new' }])])
    expect(nodeAt(root, ['dir'])).toMatchObject({ mode: FILE_TYPE.DIRECTORY | 0o700, uid: 5 })
    expect([...(nodeAt(root, ['dir'])?.children?.keys() ?? [])].sort()).toEqual(['new', 'old'])
  })

  it('a whiteout never removes what its own layer brings, whatever the order', async () => {
    const before = buildTar([{ path: '.wh.file' }, { path: 'file', content: 'again' }])
    const after = buildTar([{ path: 'file', content: 'again' }, { path: '.wh.file' }])
    for (const upper of [before, after]) {
      expect(nodeAt(await treeOf([base, upper]), ['file'])).toMatchObject({ size: 5 })
    }
  })

  it('an opaque directory hides everything below it and nothing of its own layer', async () => {
    const upper = buildTar([{ path: 'dir/new', content: 'new' }, { path: 'dir/.wh..wh..opq' }])
    const root = await treeOf([base, upper])
    expect([...(nodeAt(root, ['dir'])?.children?.keys() ?? [])]).toEqual(['new'])
  })

  it('a file replaces a directory with all it has', async () => {
    const root = await treeOf([base, buildTar([{ path: 'dir', content: 'now a file' }])])
    expect(nodeAt(root, ['dir', 'old'])).toBeUndefined()
    expect(nodeAt(root, ['dir'])?.children).toBeUndefined()
  })

  it('a hard link into a lower layer shares the inode', async () => {
    const root = await treeOf([base, buildTar([{ path: 'link', type: 'hardlink', target: 'file' }])])
    expect(nodeAt(root, ['link'])).toBe(nodeAt(root, ['file']))
  })

  it('a hard link before its target shares the inode', async () => {
    const root = await treeOf([goldens.tar('quirk-forward-link')])
    expect(nodeAt(root, ['link'])).toBeDefined()
    expect(nodeAt(root, ['link'])).toBe(nodeAt(root, ['target']))
  })

  it('bookkeeping of AUFS is no part of an image', async () => {
    const root = await treeOf([
      base,
      buildTar([{ path: '.wh..wh.plnk', type: 'directory' }, { path: '.wh..wh.aufs' }]),
    ])
    expect([...(root.children?.keys() ?? [])].sort()).toEqual(['dir', 'file'])
  })
})

/** One object, comparable. */
interface Row {
  readonly path: string
  readonly mtime: number
  readonly [member: string]: unknown
}

async function treeOf(tars: readonly Uint8Array[]): Promise<SourceNode> {
  const root = impliedDirectory()
  for (const tar of tars) applyChanges(root, await readLayerChanges(pieces(tar), { scheme: SCHEME }))
  return root
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
}

function listingOf(root: SourceNode): Row[] {
  const names = new Map<SourceNode, number>()
  const count = (node: SourceNode) => {
    names.set(node, (names.get(node) ?? 0) + 1)
    for (const child of node.children?.values() ?? []) count(child)
  }
  count(root)
  const rows: Row[] = []
  const walk = (node: SourceNode, path: readonly ByteText[]) => {
    for (const [name, child] of node.children ?? []) {
      rows.push(rowOf(child, [...path, name], names.get(child) ?? 0))
      walk(child, [...path, name])
    }
  }
  walk(root, [])
  return sorted(rows)
}

function rowOf(node: SourceNode, path: readonly ByteText[], nameCount: number): Row {
  const type = node.mode & S_IFMT
  return {
    path: base64(path.join('/')),
    type: TYPE_NAMES[type],
    mode: (node.mode & 0o7777).toString(8),
    uid: node.uid,
    gid: node.gid,
    mtime: node.mtime,
    ...(type === FILE_TYPE.REGULAR ? { size: node.size, nlink: nameCount } : {}),
    ...(node.chunkDigests.length > 0 ? { sha256: Buffer.from(node.chunkDigests).toString('hex') } : {}),
    ...(node.symlink === undefined ? {} : { target: base64(node.symlink) }),
    ...(node.rdev === 0 ? {} : { rdev: node.rdev }),
    xattrs: Object.fromEntries([...node.xattrs].map(([name, value]) => [name, base64(value)])),
  }
}

function expectedListing(rows: readonly Readonly<Record<string, unknown>>[]): Row[] {
  const kept = rows.filter(({ path }) => path !== '.')
  return sorted(
    kept.map((row) => ({
      path:
        typeof row.path_b64 === 'string' ? row.path_b64 : Buffer.from(String(row.path)).toString('base64'),
      type: row.type,
      mode: Number.parseInt(String(row.mode), 8).toString(8),
      uid: row.uid,
      gid: row.gid,
      mtime: Number(row.mtime),
      ...(row.type === 'reg' ? { size: row.size, nlink: row.nlink } : {}),
      ...(row.type === 'reg' && row.size !== 0 ? { sha256: row.sha256 } : {}),
      ...(row.type === 'lnk' ? { target: targetOf(row) } : {}),
      ...(row.rdev === undefined || row.rdev === '0:0' ? {} : { rdev: deviceOf(String(row.rdev)) }),
      xattrs: row.xattrs ?? {},
    })),
  )
}

function targetOf(row: Readonly<Record<string, unknown>>): string {
  const encoded = row.target_b64
  return typeof encoded === 'string' ? encoded : Buffer.from(String(row.target)).toString('base64')
}

function deviceOf(rdev: string): number {
  const [major = 0, minor = 0] = rdev.split(':').map(Number)
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}

/** Times that an octal header cannot hold; the original drops them, and so do we. */
function hasOddTime({ mtime }: Row): boolean {
  return mtime < 0 || mtime >= 8 ** 11
}

function withoutTime(row: Row, odd: ReadonlySet<string>): object {
  return odd.has(row.path) ? { ...row, mtime: undefined } : row
}

function sorted(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function base64(text: ByteText): string {
  return Buffer.from(textBytes(text)).toString('base64')
}
