// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { chooseChunks, compareVersions } from '../../src/chunkdict/choose-chunks.ts'
import type { ChunkRow } from '../../src/chunkdict/chunk-database.ts'
import { lastingChunks } from '../../src/chunkdict/smooth-versions.ts'

/** One letter a chunk. */
function rows(image: string, version: string, chunks: string): ChunkRow[] {
  return [...chunks].map((digest, i) => ({
    image,
    version,
    blobId: `${image}-${version}`,
    digest,
    crc32c: 0,
    compressedSize: 100,
    uncompressedSize: 100,
    compressedOffset: i * 100,
    uncompressedOffset: i * 4096,
    chunkIndex: i,
  }))
}
const digests = (chunks: readonly ChunkRow[]) =>
  chunks
    .map(({ digest }) => digest)
    .sort()
    .join('')

describe('compareVersions', () => {
  test('orders by numbers, then by text', () => {
    const versions = ['v1.10', 'latest', 'v1.9', '1.9.1', 'v2', 'alpine', 'v1.9-b', 'v1.9-a']
    expect(versions.sort(compareVersions)).toEqual([
      'alpine',
      'latest',
      'v1.9',
      'v1.9-a',
      'v1.9-b',
      '1.9.1',
      'v1.10',
      'v2',
    ])
  })
})

describe('lastingChunks', () => {
  test('the first version scores nothing', () => {
    expect(lastingChunks([rows('a', '1', 'abc')], 0)).toEqual([])
  })

  test('runs of chunks that stay score high', () => {
    const versions = [rows('a', '1', 'abcd'), rows('a', '2', 'abxd'), rows('a', '3', 'abxd')]
    // Scores: 0.5 0.75 0.375 0.6875, then 0.84 0.92 0.96 0.98.
    expect(digests(lastingChunks(versions.slice(0, 2), 0.6))).toBe('bd')
    expect(digests(lastingChunks(versions, 0.8))).toBe('abdx')
  })
})

describe('chooseChunks', () => {
  test('nothing gives nothing', () => expect(chooseChunks([])).toEqual({ chunks: [], noiseImages: [] }))

  test('images of a cluster: chunks that nine of ten have', () => {
    const images = Array.from({ length: 10 }, (_, i) => `image-${i}`)
    const own = '0123456789'
    const all = images.flatMap((image, i) =>
      ['1', '2', '3'].flatMap((version) => rows(image, version, `abcdef${i === 0 ? '' : 'g'}${own[i]}`)),
    )
    const chosen = chooseChunks([...all, ...rows('lone', '1', 'xyz'), ...rows('lone', '2', 'XYZ')])
    for (const digest of 'abcdefg') expect(digests(chosen.chunks)).toContain(digest)
    expect(digests(chosen.chunks)).not.toMatch(/[xyzXYZ]/)
    expect(chosen.noiseImages).toEqual(['lone'])
  })

  test('the order of the rows changes nothing', () => {
    const all = ['1', '2', '3', '4', '5'].flatMap((version) => rows('a', version, `abcd${version}`))
    const versions = [...Map.groupBy(all, ({ version }) => version).values()]
    const other = versions.toReversed().flat()
    expect(digests(chooseChunks(other).chunks)).toBe(digests(chooseChunks(all).chunks))
  })
})
