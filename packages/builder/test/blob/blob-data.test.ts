// SPDX-License-Identifier: Apache-2.0
import { blobCipher, openBootstrap } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { buildLayer, createChunkPool } from '../../src/index.ts'
import { memorySink, noise, pieces, tarOf } from '../layer-bytes.ts'
import { differingFiles } from '../tree-files.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())
const CIPHER = { key: noise(32, 5), iv: noise(16, 6) }

/** Sizes around those that encryption pads, that batches take and that chunks have. */
const SIZES = [1, 2, 4, 15, 16, 17, 18, 19, 100, 2047, 2048, 4095, 4096, 4097, 8191, 8192, 8193]

function sizedFiles(make: (size: number, seed: number) => Uint8Array): Record<string, Uint8Array> {
  return Object.fromEntries(SIZES.map((size, i) => [`f${i}`, make(size, i + 1)]))
}

describe('what a blob holds can be read again', () => {
  const contents = {
    noise: sizedFiles(noise),
    runs: sizedFiles((size, seed) => new Uint8Array(size).fill(seed)),
  }
  const cases = (['none', 'zstd', 'lz4_block'] as const).flatMap((compressor) =>
    [0, 4096].flatMap((batchSize) =>
      [false, true].flatMap((encrypt) =>
        (['noise', 'runs'] as const).map((content) => ({ compressor, batchSize, encrypt, content })),
      ),
    ),
  )
  it.each(cases)('$compressor, batches of $batchSize, encrypted $encrypt, $content', async (options) => {
    const tar = tarOf(contents[options.content])
    const sink = memorySink()
    const { compressor, batchSize, encrypt } = options
    const layer = await buildLayer(pieces(tar), {
      pool,
      sink,
      compressor,
      batchSize,
      encrypt,
      chunkSize: 4096,
      blobInlineMeta: false,
      blobToc: true,
    })
    const { differing, count } = await differingFiles(tar, layer.bootstrap, { data: sink.bytes() })
    expect(differing).toEqual([])
    expect(count).toBe(SIZES.length)
  })
})

describe('encryption', () => {
  it('uses the cipher that is given, and a new one otherwise', async () => {
    const tar = tarOf({ a: noise(5000) })
    const build = async (cipher?: typeof CIPHER) => {
      const sink = memorySink()
      const options = { pool, sink, encrypt: true, ...(cipher === undefined ? {} : { cipher }) }
      const { bootstrap } = await buildLayer(pieces(tar), options)
      const blob = openBootstrap(bootstrap).blobs[0]
      return { cipher: blob && blobCipher(blob), bytes: sink.bytes() }
    }
    const [a, b, c, d] = [await build(CIPHER), await build(CIPHER), await build(), await build()]
    expect(a.cipher).toEqual(CIPHER)
    expect(a.bytes.equals(b.bytes)).toBe(true)
    expect(c.cipher).not.toEqual(d.cipher)
  })
})

describe('an offset of the blob in its file', () => {
  it('moves compressed offsets only', async () => {
    const files = { a: noise(5000, 1), b: noise(70_000, 2) }
    const build = async (blobOffset: number) => {
      const layer = await buildLayer(pieces(tarOf(files)), { pool, sink: memorySink(), blobOffset })
      return openBootstrap(layer.bootstrap).chunkTable()
    }
    const [plain, moved] = [await build(0), await build(4096)]
    for (let i = 0; i < plain.length; i++) {
      expect(moved.at(i).compressedOffset).toBe(plain.at(i).compressedOffset + 4096)
      expect(moved.at(i).uncompressedOffset).toBe(plain.at(i).uncompressedOffset)
    }
  })
})
