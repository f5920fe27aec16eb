// SPDX-License-Identifier: Apache-2.0
import { type BlobInfo, type Bootstrap, openBootstrap, validateBootstrap } from '@nydus/rafs-format'
import { describe, expect, test } from 'vitest'
import { type CompactInput, compactImage } from '../../src/compact/compact-image.ts'
import type { CompactOptions } from '../../src/compact/compact-options.ts'
import { optimizeImage } from '../../src/optimize/optimize-image.ts'
import { blobChunkReader } from '../blob-chunk-reader.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'
import { goldenBlob } from '../golden-blobs.ts'
import { imageContent } from '../image-content.ts'
import { memoryBlobs } from '../memory-blobs.ts'

const golden = (id: string) => openBootstrap(readOutput(fixtureOf(id), 'bootstrap'))

async function compact(
  source: Bootstrap,
  options: CompactOptions & Pick<CompactInput, 'dict'> = {},
  more: ReadonlyMap<string, Uint8Array> = new Map(),
) {
  const store = memoryBlobs()
  const dataOf = ({ blobId }: BlobInfo) => ({
    data: store.blobs.get(blobId) ?? more.get(blobId) ?? goldenBlob(blobId),
  })
  const reader = blobChunkReader(source, dataOf)
  const image = await compactImage({ bootstrap: source, reader, createBlob: store.create, ...options })
  if (image === undefined) throw new Error('nothing was compacted')
  const result = openBootstrap(image.bootstrap)
  expect(validateBootstrap(image.bootstrap)).toEqual([])
  expect(await imageContent(result, blobChunkReader(result, dataOf))).toEqual(
    await imageContent(source, reader),
  )
  for (const { blobId, size } of image.newBlobs) expect(store.blobs.get(blobId)?.length).toBe(size)
  expect(result.blobs.map(({ blobId }) => blobId)).toEqual(image.blobIds)
  return { image, result, store }
}

/** Images of several blobs: v6 plain, v6 with ToC, v5, and what needs another way of copying. */
const SOURCES = [
  'layers-chain2-v6',
  'layers-merge-v6-sep',
  'layers-merge-v6-layers',
  'layers-chain2-v5',
  'layers-merge-v5-layers',
] as const

describe('small blobs are merged', () => {
  test.each(SOURCES)('%s: one blob, the same files', async (id) => {
    const source = golden(id)
    const { image } = await compact(source)
    expect(source.blobs.length).toBeGreaterThan(1)
    expect(image.blobIds.length).toBe(1)
    expect(image.newBlobs.map(({ blobId }) => blobId)).toEqual(image.blobIds)
    expect(image.removedBlobIds).toEqual(source.blobs.map(({ blobId }) => blobId))
  })

  test('digests and table of contents stay where the image has them', async () => {
    const { result } = await compact(golden('layers-merge-v6-layers'))
    expect(result.flags).toBe(golden('layers-merge-v6-layers').flags)
    expect(result.blobs[0]?.tocSize).toBeGreaterThan(512)
  })

  test('the same input gives the same bytes', async () => {
    const [one, two] = [await compact(golden('layers-chain2-v6')), await compact(golden('layers-chain2-v6'))]
    expect(Buffer.from(one.image.bootstrap).equals(two.image.bootstrap)).toBe(true)
    expect(one.image.newBlobs).toEqual(two.image.newBlobs)
  })

  test('a limit keeps them apart', async () => {
    const { image } = await compact(golden('layers-chain2-v6'), { maxCompactSize: 1 })
    expect(image.newBlobs).toEqual([])
    expect(image.blobIds.length).toBe(3)
  })

  test('blobs of the limit and more stay', async () => {
    const { image } = await compact(golden('layers-chain2-v6'), { compactBlobSize: 1 })
    expect(image.newBlobs).toEqual([])
    expect(image.removedBlobIds).toEqual([])
  })
})

describe('hardly used blobs are rewritten', () => {
  test.each(['layers-chain2-v6', 'layers-chain2-v5'])('%s', async (id) => {
    const { image, result } = await compact(golden(id), { minUsedRatio: 99, compactBlobSize: 1 })
    expect(image.newBlobs.length).toBeGreaterThan(0)
    const replaced = image.newBlobs.map(({ blobId }) => result.blobs.find((blob) => blob.blobId === blobId))
    const used = new Set(
      [...result.chunkTable()].map(({ blobIndex, chunkIndex }) => `${blobIndex}.${chunkIndex}`),
    )
    for (const blob of replaced) {
      for (let i = 0; i < (blob?.chunkCount ?? 0); i++) expect(used.has(`${blob?.blobIndex}.${i}`)).toBe(true)
    }
  })
})

describe('encrypted blobs', () => {
  test('are merged into one with a key of its own', async () => {
    const source = golden('mixed-v6-encrypt')
    const store = memoryBlobs()
    const dataOf = ({ blobId }: BlobInfo) => ({ data: store.blobs.get(blobId) ?? goldenBlob(blobId) })
    const reader = blobChunkReader(source, dataOf)
    const files = [{ path: '/text' }, { path: '/random' }]
    const two = await optimizeImage({ bootstrap: source, reader, files, createBlob: store.create })
    const { result } = await compact(openBootstrap(two.bootstrap), {}, store.blobs)
    expect(result.blobs.length).toBe(1)
    expect(result.blobs[0]?.cipher).toBe(1)
    expect(result.blobs[0]?.metaBlobDigest).not.toEqual(source.blobs[0]?.metaBlobDigest)
  })
})

describe('a chunk dictionary', () => {
  test('takes the place of own chunks', async () => {
    const { image } = await compact(golden('layers-chain2-v6'), { dict: golden('layers-chain2-v6').bytes })
    expect(image.newBlobs).toEqual([])
  })

  test('of other chunk sizes is refused', async () => {
    const source = golden('layers-chain2-v6')
    const dict = golden('layer1-v6-chunk').bytes
    await expect(compact(source, { dict })).rejects.toMatchObject({ code: 'ERR_BUILD_DICT_MISMATCH' })
  })
})

describe('what is refused', () => {
  const input = (source: Bootstrap) => ({
    bootstrap: source,
    reader: blobChunkReader(source, ({ blobId }) => ({ data: goldenBlob(blobId) })),
    createBlob: memoryBlobs().create,
  })

  test('few blobs: nothing is written', async () => {
    expect(await compactImage({ ...input(golden('layers-chain2-v6')), layersToCompact: 4 })).toBeUndefined()
  })

  test('a tarfs image', async () => {
    await expect(compactImage(input(golden('mixed-v6-tarfs')))).rejects.toMatchObject({
      code: 'ERR_BUILD_OPTION_CONFLICT',
    })
  })

  test.each([{ minUsedRatio: 100 }, { minUsedRatio: -1 }, { compactBlobSize: 0.5 }])(
    '%o',
    async (options) => {
      const source = golden('layers-chain2-v6')
      await expect(compactImage({ ...input(source), ...options })).rejects.toMatchObject({
        code: 'ERR_BUILD_OPTION_CONFLICT',
      })
    },
  )

  test('damaged chunks: the new blob is discarded', async () => {
    const source = golden('layers-chain2-v6')
    const store = memoryBlobs()
    const damaged = ({ blobId }: BlobInfo) => ({
      data: goldenBlob(blobId).map((byte, i) => (i < 64 ? byte ^ 1 : byte)),
    })
    const failing = compactImage({
      bootstrap: source,
      reader: blobChunkReader(source, damaged),
      createBlob: store.create,
    })
    await expect(failing).rejects.toMatchObject({ name: 'DigestError' })
    expect([store.blobs.size, store.discarded]).toEqual([0, 1])
  })
})
