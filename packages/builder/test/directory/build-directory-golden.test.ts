// SPDX-License-Identifier: Apache-2.0
/** Blobs and bootstraps of the original builder from the same directories, byte for byte. */
import { afterAll, describe, expect, it } from 'vitest'
import { createChunkPool } from '../../src/index.ts'
import { manifest, readOutput } from '../fixture-store.ts'
import { goldenBootstrap, isBuild, rebuildDirectory } from '../golden-builds.ts'
import { SourceTrees } from '../source-trees.ts'

/** liblz4's choice of matches differs from our binding's, and blob ids with it. */
const OTHER_BYTES = /lz4/
/** Two or more xattrs of a file come in random order from the original. */
const OTHER_BOOTSTRAP = /lz4|^xattrs-dir-/

const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('skipped: golden directories have owners and devices, so only root can unpack them')

const pool = createChunkPool({ workers: 2 })
const trees = new SourceTrees()
afterAll(async () => {
  trees.remove()
  await pool.close()
})

const fixtures = manifest.fixtures.filter((fixture) => isBuild(fixture, 'directory'))

describe.skipIf(!isRoot)('buildDirectory gives the bytes of the original', () => {
  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))('%s', async (id, fixture) => {
    const { build, blob } = await rebuildDirectory(fixture, trees, pool)
    expect(Buffer.compare(blob, readOutput(fixture, 'blob')) === 0).toBe(!OTHER_BYTES.test(id))
    expect(Buffer.compare(build.bootstrap, goldenBootstrap(fixture)) === 0).toBe(!OTHER_BOOTSTRAP.test(id))
    expect(build.size).toBe(blob.length)
    const external = fixture.outputs?.['bootstrap.external']
    if (external !== undefined && !OTHER_BYTES.test(id)) {
      expect(Buffer.compare(build.external, readOutput(fixture, 'bootstrap.external'))).toBe(0)
    }
  })

  it('covers the fixtures that exist', () => {
    expect(fixtures.length).toBeGreaterThan(40)
  })
})
