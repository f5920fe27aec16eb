// SPDX-License-Identifier: Apache-2.0
/** Bootstraps of the original builder from the same tars, byte for byte. */
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { writeBootstrap } from '../../src/bootstrap/write-bootstrap.ts'
import { readTar } from '../../src/tar/read-tar.ts'
import { createLayerTree } from '../../src/tree/layer-tree.ts'
import { type Fixture, fixtureOf, manifest, optionOf, readOutput, readTree } from '../fixture-store.ts'
import { type ChunkSource, cutChunks, recordedChunks } from '../golden-chunks.ts'
import { stream } from '../tar-bytes.ts'

/** Fixtures whose bytes we do not reproduce, and why. */
const OTHER_BYTES: Readonly<Record<string, string>> = {
  'quirk-hardlink-meta-tar-v6':
    "the original lets a hard link's header overwrite its target's mode, owner and mtime",
  'xattrs-tar-v6': 'the original stores two or more xattrs in random order, we sort them',
  'quirk-two-xattrs-tar-v6': 'as xattrs-tar-v6',
  'own-chain1-v6': 'built on a parent bootstrap, which gives wrong blob indexes in the original',
  'own-chain2-v6': 'as own-chain1-v6',
}

const V5_MAGIC = 'SFAR'

function isV6FromTar(fixture: Fixture): boolean {
  if (!fixture.kind.startsWith('create') || fixture.exit !== 0) return false
  if (optionOf(fixture, '-t', '--type') !== 'tar-rafs' || !fixture.source?.endsWith('.tar')) return false
  if (fixture.outputs?.bootstrap?.path === undefined) return false
  return Buffer.from(readOutput(fixture, 'bootstrap').subarray(0, 4)).toString('latin1') !== V5_MAGIC
}

async function rebuild(fixture: Fixture, golden: Bootstrap, chunksOf: ChunkSource): Promise<Uint8Array> {
  const tree = createLayerTree()
  for await (const entry of readTar(stream([readTree(fixture.source as string)], 65_536))) {
    if (tree.accepts(entry)) tree.addEntry(entry, entry.kind === 'file' ? await chunksOf(entry) : [])
  }
  tree.finish()
  return writeBootstrap({
    tree,
    blobs: golden.blobs,
    chunkSize: golden.chunkSize,
    compressor: golden.compressor,
    digester: golden.digester,
    prefetchPatterns:
      optionOf(fixture, '--prefetch-policy') === 'fs' ? (fixture.stdin ?? '').split('\n') : [],
  })
}

const fixtures = manifest.fixtures.filter(isV6FromTar)
const reproduced = fixtures.filter(({ id }) => !(id in OTHER_BYTES))

describe('writeBootstrap gives the bytes of the original', () => {
  it.each(reproduced.map((fixture) => [fixture.id, fixture] as const))('%s', async (_id, fixture) => {
    const golden = readOutput(fixture, 'bootstrap')
    const bootstrap = openBootstrap(golden)
    const ours = await rebuild(fixture, bootstrap, recordedChunks(bootstrap))
    expect(Buffer.compare(ours, golden)).toBe(0)
  })

  it('covers the fixtures that exist', () => {
    expect(reproduced.length).toBeGreaterThan(80)
    expect(Object.keys(OTHER_BYTES).filter((id) => !fixtures.some((fixture) => fixture.id === id))).toEqual(
      [],
    )
  })
})

describe('writeBootstrap and a chunker that cuts the files itself', () => {
  const uncompressed = reproduced.filter(
    (fixture) => optionOf(fixture, '--compressor') === 'none' && !/batch|dict|encrypt/.test(fixture.id),
  )
  it.each(uncompressed.map((fixture) => [fixture.id, fixture] as const))('%s', async (_id, fixture) => {
    const golden = readOutput(fixture, 'bootstrap')
    const bootstrap = openBootstrap(golden)
    const ours = await rebuild(fixture, bootstrap, cutChunks(bootstrap.chunkSize, bootstrap.digester))
    expect(Buffer.compare(ours, golden)).toBe(0)
  })
})

describe('writeBootstrap where the original is not followed', () => {
  it.each(Object.keys(OTHER_BYTES).filter((id) => !id.startsWith('own-')))(
    '%s differs, same length',
    async (id) => {
      const fixture = fixtureOf(id)
      const golden = readOutput(fixture, 'bootstrap')
      const bootstrap = openBootstrap(golden)
      const ours = await rebuild(fixture, bootstrap, recordedChunks(bootstrap))
      expect(ours.length).toBe(golden.length)
      expect(Buffer.compare(ours, golden)).not.toBe(0)
      expect(Buffer.compare(await rebuild(fixture, bootstrap, recordedChunks(bootstrap)), ours)).toBe(0)
    },
  )
})
