// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildLayer, createChunkPool, DISCARD_SINK, openBlobCacheWriter } from '../../src/index.ts'
import { fixtureOf, readOutput, readTree } from '../fixture-store.ts'
import { noise, pieces, tarOf } from '../layer-bytes.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'blob-cache-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const OPTIONS = {
  pool,
  sink: DISCARD_SINK,
  compressor: 'none',
  blobInlineMeta: false,
  blobToc: false,
} as const

/** The tar has the files in another order than the directory of the golden: only the chunks can be compared. */
function chunksOf(data: Uint8Array): Set<string> {
  const pages = Array.from({ length: data.length / 4096 }, (_, i) => data.subarray(i * 4096, (i + 1) * 4096))
  return new Set(pages.map((page) => Buffer.from(page).toString('latin1')))
}

describe('openBlobCacheWriter', () => {
  it('writes the data and the meta of the blob', async () => {
    const cache = await openBlobCacheWriter(directory)
    const build = await buildLayer(pieces(readTree('mixed'), 100_000), { ...OPTIONS, blobCache: cache })
    await cache.finish(build.runningId, build.blobMeta)
    expect(readdirSync(directory).sort()).toEqual([
      `${build.runningId}.blob.data`,
      `${build.runningId}.blob.meta`,
    ])
    const data = readFileSync(join(directory, `${build.runningId}.blob.data`))
    const golden = fixtureOf('mixed-blob-cache-dir')
    const name = Object.keys(golden.outputs ?? {}).find((key) => key.endsWith('.blob.data')) ?? ''
    expect(data.length).toBe(readOutput(golden, name).length)
    expect(chunksOf(data)).toEqual(chunksOf(readOutput(golden, name)))
    expect(readFileSync(join(directory, `${build.runningId}.blob.meta`))).toEqual(
      Buffer.from(build.blobMeta as Uint8Array),
    )
  })

  it('keeps gaps and chunks at the borders of writes', async () => {
    const cache = await openBlobCacheWriter(directory)
    const files = {
      a: noise(1_050_000, 1),
      b: noise(1, 2),
      c: noise((1 << 20) - 1, 3),
      d: noise(3_000_001, 4),
    }
    const build = await buildLayer(pieces(tarOf(files)), { ...OPTIONS, blobCache: cache })
    await cache.finish('some-id', build.blobMeta)
    const data = readFileSync(join(directory, 'some-id.blob.data'))
    expect(data.length).toBe(build.uncompressedSize)
    let at = 0
    for (const bytes of Object.values(files)) {
      expect(Buffer.compare(data.subarray(at, at + bytes.length), bytes)).toBe(0)
      const end = Math.ceil((at + bytes.length) / 4096) * 4096
      expect(data.subarray(at + bytes.length, end).every((byte) => byte === 0)).toBe(true)
      at = end
    }
  })

  it('leaves nothing of a layer without data, or of a build that failed', async () => {
    const empty = await openBlobCacheWriter(directory)
    const build = await buildLayer(pieces(tarOf({})), { ...OPTIONS, blobCache: empty })
    await empty.finish(build.runningId, build.blobMeta)
    const failed = await openBlobCacheWriter(directory)
    await expect(buildLayer(pieces(noise(10_000)), { ...OPTIONS, blobCache: failed })).rejects.toMatchObject({
      code: 'ERR_BUILD_BAD_TAR',
    })
    await failed.abort()
    await failed.abort()
    expect(readdirSync(directory)).toEqual([])
  })

  it('refuses a place that is no directory, and options without plain chunks', async () => {
    writeFileSync(join(directory, 'file'), '')
    await expect(openBlobCacheWriter(join(directory, 'file'))).rejects.toMatchObject({ code: 'ERR_BUILD_IO' })
    const cache = await openBlobCacheWriter(directory)
    for (const wrong of [{ compressor: 'zstd' }, { batchSize: 4096 }, { encrypt: true }] as const) {
      await expect(
        buildLayer(pieces(tarOf({})), { ...OPTIONS, ...wrong, blobCache: cache }),
      ).rejects.toMatchObject({
        code: 'ERR_BUILD_OPTION_CONFLICT',
      })
    }
    await cache.abort()
  })
})
