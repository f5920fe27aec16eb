// SPDX-License-Identifier: Apache-2.0
/** Images of the original builder, unpacked: what its own `unpack` and a mount of them show. */
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { overlay } from '../../src/image/overlay.ts'
import { unpackImage } from '../../src/unpack/unpack-image.ts'
import { bootstrapOf, fixtureReader, hasBlobs, type InlineFixture } from '../fixture-blobs.ts'
import { type Fixture, manifest, readStored, type Stored } from '../fixture-store.ts'
import { memorySink } from '../layer-bytes.ts'
import { listTree, parseListing, type Row, treeOfTar } from '../tree-listing.ts'

type ListedFixture = InlineFixture & { readonly expected?: Readonly<Record<string, Stored>> }

const images = manifest.fixtures.filter((fixture): fixture is ListedFixture => {
  if (!fixture.kind.startsWith('create') || fixture.exit !== 0) return false
  const bytes = bootstrapOf(fixture)
  return bytes !== undefined && hasBlobs(fixture, openBootstrap(bytes))
})

async function unpack(fixture: Fixture): Promise<Uint8Array> {
  const bootstrap = openBootstrap(bootstrapOf(fixture) as Uint8Array)
  const sink = memorySink()
  const result = await unpackImage({ bootstrap, chunks: fixtureReader(fixture, bootstrap), output: sink })
  const tar = sink.bytes()
  expect(result.size).toBe(tar.length)
  return tar
}

const byPath = (rows: readonly Row[]) => new Map(rows.map((row) => [row.path, row]))

/** The original loses nanoseconds, takes negative times for huge ones, and writes no entry for the root. */
const OTHER_UNPACK = [
  [/batch/, 'small chunks that were compressed together come out broken'],
  [/encrypt/, 'it does not decrypt'],
] as const

function asOriginalUnpacks(row: Row): Row {
  return { ...row, mtime: Number(BigInt.asUintN(64, BigInt(row.mtime as number))), mtime_ns: 0 }
}

describe('unpackImage gives what the original unpacks', () => {
  const listed = images.filter(
    ({ id, expected }) =>
      expected?.unpack?.path !== undefined && !OTHER_UNPACK.some(([pattern]) => pattern.test(id)),
  )

  it.each(listed.map((fixture) => [fixture.id, fixture] as const))('%s', async (_id, fixture) => {
    const { root, digests } = await treeOfTar(await unpack(fixture), { mtime: 'pax' })
    const rows = byPath(listTree({ root: overlay(undefined, root), digests }).map(asOriginalUnpacks))
    const golden = byPath(parseListing(readStored(fixture.expected?.unpack as Stored)))
    golden.delete('.')
    rows.delete('.')
    expect(rows).toEqual(golden)
  })

  it('covers the fixtures that exist', () => expect(listed.length).toBeGreaterThan(120))
})

/** A mount shows the time of the mount where an image has none, and the root's permissions as 0755. */
function asMountShows(row: Row): Row {
  const { mtime, mode } = row
  return {
    ...row,
    mode: row.path === '.' ? '0755' : mode,
    ...(mtime === 0 && { mtime: 'mount-time', mtime_ns: 0 }),
  }
}

/** Times just after 1970 are recorded as they were at the time of the mount. */
const withMountTime = (row: Row): Row =>
  row.path === 't-zero-frac' ? { ...row, mtime: 'mount-time', mtime_ns: 0 } : row

/** Images that the original built wrong, so that a mount shows errors. */
const BROKEN = [
  [/^own-chain\d-v[56]$/, 'chunks have the wrong blob index (tar input with a parent)'],
  [/^quirk-hardlink-xattr-tar-v5$/, 'the inode table is wrong behind a link to a file with xattrs'],
] as const

describe('unpackImage gives what a mount shows', () => {
  const listed = images.filter(
    ({ id, expected }) => expected?.fuse?.path !== undefined && !BROKEN.some(([pattern]) => pattern.test(id)),
  )

  it.each(listed.map((fixture) => [fixture.id, fixture] as const))('%s', async (_id, fixture) => {
    const rows = listTree(await treeOfTar(await unpack(fixture), { mtime: 'pax' })).map(asMountShows)
    const golden = parseListing(readStored(fixture.expected?.fuse as Stored))
    const inTars = golden.filter(({ type }) => type !== 'sock').map(withMountTime)
    expect(byPath(rows)).toEqual(byPath(inTars))
  })

  it('covers the fixtures that exist', () => expect(listed.length).toBeGreaterThan(100))
})
