// SPDX-License-Identifier: Apache-2.0
/** Lists a directory tree the way the fixtures' listings do. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'

export type ListingEntry = Readonly<Record<string, unknown>> & {
  readonly path?: string
  readonly path_b64?: string
}

const TYPES: readonly (readonly [string, (stat: Stats) => boolean])[] = [
  ['dir', (stat) => stat.isDirectory()],
  ['reg', (stat) => stat.isFile()],
  ['lnk', (stat) => stat.isSymbolicLink()],
  ['chr', (stat) => stat.isCharacterDevice()],
  ['blk', (stat) => stat.isBlockDevice()],
  ['fifo', (stat) => stat.isFIFO()],
]

/** Every path below `root`, as bytes, sorted; content as digest. Extended attributes are left out. */
export function listTree(root: string): readonly ListingEntry[] {
  const entries: ListingEntry[] = []
  const visit = (path: Buffer, relative: Buffer): void => {
    const stat = lstatSync(path)
    entries.push(describe(path, relative, stat))
    if (!stat.isDirectory()) return
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const inside = relative.length === 0 ? name : Buffer.concat([relative, SLASH, name])
      visit(Buffer.concat([path, SLASH, name]), inside)
    }
  }
  visit(Buffer.from(root), Buffer.alloc(0))
  return sorted(entries)
}

const SLASH = Buffer.from('/')

function describe(path: Buffer, relative: Buffer, stat: Stats): ListingEntry {
  const type = TYPES.find(([, matches]) => matches(stat))?.[0]
  return {
    ...(relative.length === 0 ? { path: '.' } : textOrBytes('path', relative)),
    type,
    mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stat.uid,
    gid: stat.gid,
    mtime: Math.floor(stat.mtimeMs / 1000),
    nlink: stat.nlink,
    ...(type === 'reg' && {
      size: stat.size,
      sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
    }),
    ...(type === 'lnk' && {
      size: stat.size,
      ...textOrBytes('target', readlinkSync(path, { encoding: 'buffer' })),
    }),
  }
}

function textOrBytes(member: 'path' | 'target', bytes: Buffer): ListingEntry {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes)
    ? { [member]: text }
    : { [`${member}_b64`]: bytes.toString('base64') }
}

/** The members of a stored listing that `listTree` has, in its order. Times that are "mount-time" are left out of both. */
export function comparable(
  stored: Uint8Array,
  found: readonly ListingEntry[],
): { readonly expected: readonly ListingEntry[]; readonly found: readonly ListingEntry[] } {
  const lines = Buffer.from(stored).toString('utf8').trim().split('\n')
  const expected = sorted(lines.map((line) => JSON.parse(line) as ListingEntry))
  const atMount = new Set(expected.filter((entry) => entry.mtime === 'mount-time').map(keyOf))
  const pick = (entry: ListingEntry): ListingEntry => ({
    ...Object.fromEntries(
      COMPARED.filter((member) => entry[member] !== undefined).map((member) => [member, entry[member]]),
    ),
    ...(atMount.has(keyOf(entry)) && { mtime: 'mount-time' }),
  })
  return { expected: expected.map(pick), found: found.map(pick) }
}

const COMPARED = [
  'path',
  'path_b64',
  'type',
  'mode',
  'uid',
  'gid',
  'mtime',
  'nlink',
  'size',
  'sha256',
  'target',
  'target_b64',
] as const

function keyOf(entry: ListingEntry): string {
  return entry.path_b64 ?? Buffer.from(entry.path ?? '').toString('base64')
}

function sorted(entries: readonly ListingEntry[]): readonly ListingEntry[] {
  return [...entries].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}
