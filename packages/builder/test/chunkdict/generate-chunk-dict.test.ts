// SPDX-License-Identifier: Apache-2.0
import { openBootstrap, pathText, validateBootstrap, walkTree } from '@nydus/rafs-format'
import { describe, expect, test } from 'vitest'
import { openChunkDict } from '../../src/chunk/chunk-dict.ts'
import { openChunkDatabase } from '../../src/chunkdict/chunk-database.ts'
import { generateChunkDict, imageOfBootstrapPath } from '../../src/chunkdict/generate-chunk-dict.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'

const golden = (id: string) => readOutput(fixtureOf(id), 'bootstrap')

function generate(sources: readonly (readonly [image: string, version: string, id: string])[]) {
  const database = openChunkDatabase('sqlite://:memory:')
  try {
    const inputs = sources.map(([image, version, id]) => ({ image, version, bootstrap: golden(id) }))
    return generateChunkDict({ database, sources: inputs })
  } finally {
    database.close()
  }
}

describe('generated dictionaries', () => {
  test('two versions teach nothing: what the original writes, but for a slash in the name of the file', () => {
    const dict = generate([
      ['img', 'v0', 'tiny-tar-v6'],
      ['img', 'v1', 'layer0-tar-v6'],
    ])
    const original = golden('chunkdict-generate')
    // Size and dirents of the root: 48 bytes here, 49 there, where the name is "/chunkdict".
    const sameSize = Uint8Array.from(dict.bootstrap)
    sameSize.set(original.subarray(0x1008, 0x1010), 0x1008)
    sameSize.set(original.subarray(0x1040, 0x1080), 0x1040)
    expect(Buffer.from(sameSize).equals(original)).toBe(true)
    expect([...walkTree(openBootstrap(dict.bootstrap))].map(({ path }) => pathText(path))).toEqual([
      '/',
      '/chunkdict',
    ])
    expect(dict).toMatchObject({ blobIds: [], chunkCount: 0, noiseImages: ['img'] })
  })

  test.each([
    ['layer1-tar-v6', 6],
    ['layer1-tar-v5', 5],
  ] as const)('%s: chunks that last are found by a build', (id, fsVersion) => {
    const versions = ['1.0', '1.1', '1.2', '1.10'].map((version) => ['app', version, id] as const)
    const dict = generate(versions)
    const source = openBootstrap(golden(id))
    const result = openBootstrap(dict.bootstrap)
    expect(result.fsVersion).toBe(fsVersion)
    expect(validateBootstrap(dict.bootstrap)).toEqual([])
    expect(dict.blobIds).toEqual(source.blobs.map(({ blobId }) => blobId))
    expect(dict.chunkCount).toBeGreaterThan(0)
    const opened = openChunkDict(dict.bootstrap)
    for (const chunk of source.chunkTable()) {
      const { fileOffset: _, ...expected } = { ...chunk }
      expect(opened.find(chunk.digest, chunk.uncompressedSize)).toMatchObject(expected)
    }
  })

  test('similar images: what nine of ten have', () => {
    const ids = ['layer1-tar-v6', 'layer1-tar-v6', 'layer1-tar-v6']
    const images = Array.from({ length: 11 }, (_, i) => `image-${i}`)
    const dict = generate(images.flatMap((image) => ids.map((id, i) => [image, `${i}`, id] as const)))
    expect(dict.noiseImages).toEqual([])
    expect(dict.chunkCount).toBe(openBootstrap(golden('layer1-tar-v6')).chunkTable().length)
  })

  test('images of different kinds are refused', () => {
    const mixed = () =>
      generate([
        ['a', '1', 'layer1-tar-v6'],
        ['b', '1', 'layer1-tar-v5'],
      ])
    expect(mixed).toThrow(expect.objectContaining({ code: 'ERR_BUILD_DICT_MISMATCH' }))
    expect(() => generate([])).toThrow(expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }))
    const tarfs = () => generate([['a', '1', 'mixed-v6-tarfs']])
    expect(tarfs).toThrow(expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }))
  })
})

describe('imageOfBootstrapPath', () => {
  test.each([
    ['cd/img:v0/bootstrap', 'img', 'v0'],
    ['/w/localhost:5000:library:redis:7.2/nydus_bootstrap', 'redis', '7.2'],
  ])('%s', (path, image, version) => {
    expect(imageOfBootstrapPath(path)).toEqual({ image, version })
  })

  test('refuses a directory without a version', () => {
    const missing = () => imageOfBootstrapPath('out/bootstrap')
    expect(missing).toThrow(expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }))
  })
})
