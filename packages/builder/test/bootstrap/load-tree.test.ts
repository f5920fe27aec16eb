// SPDX-License-Identifier: Apache-2.0
import { openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { ChunkRecord } from '@nydus/rafs-format/layout'
import { describe, expect, it } from 'vitest'
import { loadTree } from '../../src/bootstrap/load-tree.ts'
import { writeBootstrap } from '../../src/bootstrap/write-bootstrap.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { type Fixture, fixtureOf, manifest, readOutput } from '../fixture-store.ts'

/** Bootstraps that do not survive the round trip byte for byte, and why. */
const NOT_ROUND: readonly (readonly [RegExp, string])[] = [
  [/prefetch-v[56]-fs-(dirs|odd)$/, 'the prefetch table holds inodes, the patterns behind it are not known'],
  [/^xattrs-|^quirk-two-xattrs/, 'the original stores several xattrs in random order, we sort them'],
  [/^quirk-hardlink-xattr-tar-v5$/, 'the inode table of the original is wrong behind the link'],
  [/^quirk-hardlink-meta-tar-v5$/, 'a link has its own mode and owner in the original'],
  [/^types-tarfs$/, 'the original writes targets of more than 512 bytes to the wrong place'],
  [/^own-chain[12]-v6$/, 'the original gave chunks the wrong blob index'],
  [/^optimize-|^chunkdict-/, 'not a readable bootstrap'],
]

function roundTrip(golden: Uint8Array): Uint8Array {
  const bootstrap = openBootstrap(golden)
  const { blobs, chunkSize, compressor, digester, flags, fsVersion, rootNid } = bootstrap
  const chunks = new ChunkStore()
  const { root } = loadTree(bootstrap, chunks)
  return writeBootstrap({
    fsVersion,
    tree: { root, chunks },
    blobs,
    chunkSize,
    compressor,
    digester,
    prefetchPatterns: bootstrap.prefetchNids().includes(rootNid) ? ['/'] : [],
    explicitOwners: (flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n,
    extraFlags: flags & (SUPER_FLAGS.HAS_XATTR | SUPER_FLAGS.TARFS_MODE),
  })
}

function bootstrapNames(fixture: Fixture): string[] {
  return Object.entries(fixture.outputs ?? {}).flatMap(([name, stored]) =>
    name.startsWith('bootstrap') && stored.path !== undefined ? [name] : [],
  )
}

describe('loadTree and writeBootstrap', () => {
  const cases = manifest.fixtures.flatMap((fixture) => {
    if (NOT_ROUND.some(([pattern]) => pattern.test(fixture.id))) return []
    return bootstrapNames(fixture).map((name) => [fixture.id, name] as const)
  })

  it('has cases', () => expect(cases.length).toBeGreaterThan(300))

  it.each(cases)('reproduce %s %s', (id, name) => {
    const golden = readOutput(fixtureOf(id), name)
    expect(Buffer.compare(roundTrip(golden), golden)).toBe(0)
  })

  it('refuse a chunk that is not in the chunk table', () => {
    const damaged = new Uint8Array(readOutput(fixtureOf('tiny-tar-v6'), 'bootstrap'))
    const bootstrap = openBootstrap(damaged)
    if (bootstrap.fsVersion !== 6) throw new Error('not v6')
    const at = bootstrap.superBlock.chunkTableOffset + ChunkRecord.offsets.chunkIndex
    damaged[at] = 77
    expect(() => roundTrip(damaged)).toThrow(/is not in the chunk table/)
  })

  it.each([
    ['tiny-tar-v5', 0],
    ['tiny-tar-v6', 1024],
  ])('survive any single flipped bit of %s without hanging or an unknown error', (id, start) => {
    const golden = readOutput(fixtureOf(id), 'bootstrap')
    const outcomes = new Set<string>()
    for (let at = start; at < golden.length; at += 7) {
      const damaged = golden.slice()
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8))
      try {
        roundTrip(damaged)
        outcomes.add('fine')
      } catch (error) {
        const { code } = error as { code?: string }
        expect(code, `at 0x${at.toString(16)}: ${error}`).toMatch(/^ERR_(FORMAT|BUILD)_/)
        outcomes.add(code as string)
      }
    }
    expect(outcomes.size).toBeGreaterThan(3)
  })
})
