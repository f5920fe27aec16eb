// SPDX-License-Identifier: Apache-2.0
import {
  BLOB_FEATURES,
  type BlobInfo,
  blobFeatureNames,
  openBootstrap,
  validateBootstrap,
} from '@nydus/rafs-format'
import { describe, expect, test } from 'vitest'
import { optimizeImage } from '../../src/optimize/optimize-image.ts'
import { parsePrefetchFiles } from '../../src/optimize/prefetch-files.ts'
import { blobChunkReader } from '../blob-chunk-reader.ts'
import { type Fixture, fixtureOf, manifest, readOutput } from '../fixture-store.ts'
import { goldenBlob } from '../golden-blobs.ts'
import { imageContent } from '../image-content.ts'
import { memoryBlobs } from '../memory-blobs.ts'

type OptimizeFixture = Fixture & { readonly prefetch_files: string }
const fixtures = manifest.fixtures.filter(({ kind }) => kind === 'optimize') as OptimizeFixture[]

async function optimize(fixture: Pick<OptimizeFixture, 'source' | 'prefetch_files'>) {
  const origin = fixtureOf(fixture.source ?? '')
  const source = openBootstrap(readOutput(origin, 'bootstrap'))
  const store = memoryBlobs()
  const dataOf = ({ blobId, features }: BlobInfo) => {
    const separate = (features & BLOB_FEATURES.SEPARATE) !== 0
    const data = store.blobs.get(blobId) ?? goldenBlob(blobId)
    return { data, ...(separate && { meta: readOutput(origin, 'blob') }) }
  }
  const files = parsePrefetchFiles(fixture.prefetch_files)
  const reader = blobChunkReader(source, dataOf)
  const image = await optimizeImage({ bootstrap: source, reader, files, createBlob: store.create })
  const result = openBootstrap(image.bootstrap)
  return { source, store, image, result, reader, resultReader: blobChunkReader(result, dataOf) }
}

describe('images that the original optimized', () => {
  test('RAFS v5: the same bytes', async () => {
    const fixture = fixtures.find(({ id }) => id === 'optimize-mixed-tar-v5-zstd-blake3') as OptimizeFixture
    const { image, store } = await optimize(fixture)
    const [[blobId, blob] = ['', new Uint8Array(0)]] = store.blobs
    expect(Buffer.from(blob).equals(readOutput(fixture, `blob:${blobId}`))).toBe(true)
    expect(image.prefetchBlobId).toBe(blobId)
    expect(Buffer.from(image.bootstrap).equals(readOutput(fixture, 'bootstrap'))).toBe(true)
  })

  test.each(fixtures)('$id: the same files', async (fixture) => {
    const { source, reader, image, result, resultReader, store } = await optimize(fixture)
    expect(validateBootstrap(result.bytes)).toEqual([])
    expect(await imageContent(result, resultReader)).toEqual(await imageContent(source, reader))
    expect(image.missing).toEqual([])
    expect(image.blobIds).toEqual([...source.blobs.map(({ blobId }) => blobId), image.prefetchBlobId])
    expect(store.blobs.get(image.prefetchBlobId ?? '')?.length).toBe(image.prefetchBlobSize)
    const features = blobFeatureNames(result.blobs.at(-1)?.features ?? 0)
    if (source.fsVersion === 6) expect(features).toContain('IS_SEPARATED_WITH_PREFETCH_FILES')
  })

  test.each([
    'mixed-v6-encrypt',

    'mixed-zran-l6',
    'mixed-zran-multi',
    'mixed-v6-batch-lz4',
  ])('%s: chunks that cannot be copied as they are stored', async (source) => {
    const { prefetch_files } = fixtures[0] as OptimizeFixture
    const { source: before, reader, image, result, resultReader } = await optimize({ source, prefetch_files })
    expect(validateBootstrap(image.bootstrap)).toEqual([])
    expect(await imageContent(result, resultReader)).toEqual(await imageContent(before, reader))
    const [own, prefetch] = result.blobs
    expect(prefetch?.cipher).toBe(own?.cipher)
    if (own?.cipher) expect(prefetch?.metaBlobDigest).not.toEqual(own.metaBlobDigest)
  })
})

describe('what is left out or refused', () => {
  test('nothing to move: the image stays as it is', async () => {
    const prefetch_files = '/nowhere\n/sizes\n/sizes/empty\nrelative'
    const { image, result, source, store } = await optimize({
      source: 'mixed-tar-v6-none-blake3',
      prefetch_files,
    })
    expect(image.prefetchBlobId).toBeUndefined()
    expect(image.missing).toEqual(['/nowhere', '/sizes'])
    expect([store.blobs.size, result.blobs.length]).toEqual([0, source.blobs.length])
  })

  test('a file that is listed twice, by two names, is moved once', async () => {
    const prefetch_files = '/text\n/links/hard-text\n/text'
    const { result } = await optimize({ source: 'mixed-tar-v6-none-blake3', prefetch_files })
    expect(result.blobs.at(-1)?.chunkCount).toBe(1)
  })

  test('the prefetch table stays', async () => {
    const { result, source } = await optimize({
      source: 'mixed-prefetch-v6-fs-dirs',
      prefetch_files: '/text',
    })
    expect(source.prefetchNids().length).toBeGreaterThan(0)
    expect(result.prefetchNids()).toEqual(source.prefetchNids())
  })

  test('a tarfs image', async () => {
    const refused = optimize({ source: 'mixed-v6-tarfs', prefetch_files: '/text' })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_BUILD_OPTION_CONFLICT' })
  })
})
