// SPDX-License-Identifier: Apache-2.0
import { openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { V6_ROOT_NID } from '@nydus/rafs-format/layout'
import { describe, expect, it } from 'vitest'
import { loadTree } from '../../src/bootstrap/load-tree.ts'
import { writeBootstrap } from '../../src/bootstrap/write-bootstrap.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { type Fixture, fixtureOf, manifest, readOutput } from '../fixture-store.ts'

/** Bootstraps that do not survive the round trip byte for byte, and why. */
const NOT_ROUND: readonly (readonly [RegExp, string])[] = [
  [/tarfs/, 'tarfs bootstraps have no chunk records to load'],
  [/prefetch-v6-fs-(dirs|odd)$/, 'the prefetch table holds nids, the patterns behind it are not known'],
  [/^xattrs-|^quirk-two-xattrs/, 'the original stores several xattrs in random order, we sort them'],
  [/^own-chain[12]-v6$/, 'the original gave chunks the wrong blob index'],
  [/^optimize-|^chunkdict-/, 'not a readable bootstrap'],
]

function roundTrip(golden: Uint8Array): Uint8Array {
  const bootstrap = openBootstrap(golden)
  const chunks = new ChunkStore()
  const { root } = loadTree(bootstrap, chunks)
  return writeBootstrap({
    tree: { root, chunks },
    blobs: bootstrap.blobs,
    chunkSize: bootstrap.chunkSize,
    compressor: bootstrap.compressor,
    digester: bootstrap.digester,
    prefetchPatterns: bootstrap.prefetchNids().includes(V6_ROOT_NID) ? ['/'] : [],
    explicitOwners: (bootstrap.flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n,
    extraFlags: bootstrap.flags & SUPER_FLAGS.HAS_XATTR,
  })
}

function bootstrapNames(fixture: Fixture): string[] {
  return Object.entries(fixture.outputs ?? {}).flatMap(([name, stored]) =>
    name.startsWith('bootstrap') && stored.path !== undefined ? [name] : [],
  )
}

const isV6 = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'SFAR'

describe('loadTree and writeBootstrap', () => {
  const cases = manifest.fixtures.flatMap((fixture) => {
    if (NOT_ROUND.some(([pattern]) => pattern.test(fixture.id))) return []
    return bootstrapNames(fixture)
      .filter((name) => isV6(readOutput(fixture, name)))
      .map((name) => [fixture.id, name] as const)
  })

  it('has cases', () => expect(cases.length).toBeGreaterThan(150))

  it.each(cases)('reproduce %s %s', (id, name) => {
    const golden = readOutput(fixtureOf(id), name)
    expect(Buffer.compare(roundTrip(golden), golden)).toBe(0)
  })

  it('refuse a chunk that is not in the chunk table', () => {
    expect(() => roundTrip(readOutput(fixtureOf('mixed-v6-tarfs'), 'bootstrap'))).toThrow(
      /is not in the chunk table/,
    )
  })

  it('survive any single flipped bit of a small bootstrap without hanging or an unknown error', () => {
    const golden = readOutput(fixtureOf('tiny-tar-v6'), 'bootstrap')
    const outcomes = new Set<string>()
    for (let at = 1024; at < golden.length; at += 7) {
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
