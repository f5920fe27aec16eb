// SPDX-License-Identifier: Apache-2.0
/** Tarfs bootstraps of the original builder, byte for byte. */
import { openBootstrap, readSymlink, S_IFMT, walkTree } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { buildTarfs } from '../../src/index.ts'
import { type Fixture, fixtureOf, manifest, optionOf } from '../fixture-store.ts'
import { goldenBootstrap, readSource } from '../golden-source.ts'
import { pieces } from '../layer-bytes.ts'
import { differingFiles } from '../tree-files.ts'

/**
 * Two or more xattrs of a file come in random order, and the original writes symlinks of more than a block where no
 * reader finds them.
 */
const OTHER_BYTES = /^(xattrs|types)-tarfs$/

const fixtures = manifest.fixtures.filter(
  ({ kind, exit, command }) => kind === 'create' && exit === 0 && command.includes('tar-tarfs'),
)

function rebuild(fixture: Fixture) {
  return buildTarfs(pieces(readSource(fixture), 10_000), {
    chunkSize: Number(optionOf(fixture, '--chunk-size') ?? 0x100000),
  })
}

describe('buildTarfs', () => {
  it.each(
    fixtures.filter(({ id }) => !OTHER_BYTES.test(id)).map((fixture) => [fixture.id, fixture] as const),
  )('%s has the bytes of the original', async (_id, fixture) => {
    const build = await rebuild(fixture)
    expect([build.blobId]).toEqual(fixture.blob_ids)
    expect(Buffer.compare(build.bootstrap, goldenBootstrap(fixture))).toBe(0)
  })

  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))(
    '%s reads back',
    async (_id, fixture) => {
      const build = await rebuild(fixture)
      const tar = readSource(fixture)
      expect(build).toMatchObject({ tarSize: tar.length, hasData: true, diffId: `sha256:${build.blobId}` })
      const { differing, count } = await differingFiles(tar, build.bootstrap, { data: tar })
      expect(differing).toEqual([])
      expect(count).toBeGreaterThan(0)
    },
  )

  it('writes long symlinks where readers look for them', async () => {
    const bootstrap = openBootstrap((await rebuild(fixtureOf('types-tarfs'))).bootstrap)
    const lengths = []
    for (const { inode } of walkTree(bootstrap)) {
      if ((inode.mode & S_IFMT) !== 0xa000) continue
      const target = readSymlink(bootstrap, inode.nid)
      expect(target.length).toBe(inode.size)
      expect(target.includes(0)).toBe(false)
      lengths.push(target.length)
    }
    expect(Math.max(...lengths)).toBeGreaterThan(2 * 512)
  })
})
