// SPDX-License-Identifier: Apache-2.0
/** Encrypted blobs: with the keys that the original drew, its bytes. */
import { blobCipher, openBootstrap } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { buildLayer, createChunkPool } from '../../src/index.ts'
import { manifest, optionOf, readOutput } from '../fixture-store.ts'
import { goldenBootstrap, readSource } from '../golden-source.ts'
import { memorySink, pieces } from '../layer-bytes.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())
const fixtures = manifest.fixtures.filter(
  ({ kind, exit, command }) =>
    kind === 'create' && exit === 0 && command.includes('-E') && command.includes('6'),
)

describe('buildLayer with encryption', () => {
  it.each(fixtures.map((fixture) => [fixture.id, fixture] as const))('%s', async (_id, fixture) => {
    const golden = goldenBootstrap(fixture)
    const blob = openBootstrap(golden).blobs[0]
    const cipher = blob && blobCipher(blob)
    if (cipher === undefined) throw new Error('the golden is not encrypted')
    const sink = memorySink()
    const layer = await buildLayer(pieces(readSource(fixture), 100_000), {
      pool,
      sink,
      encrypt: true,
      cipher,
      compressor: (optionOf(fixture, '--compressor') ?? 'zstd') as 'none',
      blobInlineMeta: false,
      blobToc: false,
    })
    expect(layer.blobId).toBe(fixture.outputs?.blob?.sha256)
    if (fixture.outputs?.blob?.path) {
      expect(Buffer.compare(sink.bytes(), readOutput(fixture, 'blob'))).toBe(0)
    }
    expect(Buffer.compare(layer.bootstrap, golden)).toBe(0)
  })
})
