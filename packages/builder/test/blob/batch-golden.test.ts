// SPDX-License-Identifier: Apache-2.0
/** Blobs with batches of small chunks: the bytes of the original builder. */
import { afterAll, describe, expect, it } from 'vitest'
import { type BuildLayerOptions, buildLayer, createChunkPool } from '../../src/index.ts'
import { type Fixture, manifest, optionOf, readOutput } from '../fixture-store.ts'
import { goldenBootstrap, readSource } from '../golden-source.ts'
import { memorySink, pieces } from '../layer-bytes.ts'
import { differingFiles } from '../tree-files.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())
const fixtures = manifest.fixtures.filter(
  ({ kind, exit, command }) => kind === 'create' && exit === 0 && command.includes('--batch-size'),
)
/** liblz4's choice of matches differs from our binding's. */
const OTHER_BYTES = /lz4/

async function rebuild(fixture: Fixture, options: Partial<BuildLayerOptions> = {}) {
  const sink = memorySink()
  const layer = await buildLayer(pieces(readSource(fixture), 100_000), {
    pool,
    sink,
    chunkSize: Number(optionOf(fixture, '--chunk-size') ?? 0x100000),
    batchSize: Number(optionOf(fixture, '--batch-size')),
    compressor: (optionOf(fixture, '--compressor') ?? 'zstd') as 'none',
    blobInlineMeta: fixture.command.includes('--blob-inline-meta'),
    blobToc: fixture.command.includes('blob-toc'),
    ...options,
  })
  return { bootstrap: layer.bootstrap, blob: sink.bytes() }
}

describe('buildLayer with batches', () => {
  it.each(
    fixtures.filter(({ id }) => !OTHER_BYTES.test(id)).map((fixture) => [fixture.id, fixture] as const),
  )('%s has the bytes of the original', async (_id, fixture) => {
    const { blob, bootstrap } = await rebuild(fixture)
    expect(Buffer.compare(blob, readOutput(fixture, 'blob'))).toBe(0)
    expect(Buffer.compare(bootstrap, goldenBootstrap(fixture))).toBe(0)
  })

  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))(
    '%s reads back',
    async (_id, fixture) => {
      for (const encrypt of [false, true]) {
        const { blob, bootstrap } = await rebuild(fixture, { encrypt })
        const { differing, count } = await differingFiles(readSource(fixture), bootstrap, { data: blob })
        expect(differing).toEqual([])
        expect(count).toBeGreaterThan(15)
      }
    },
  )
})
