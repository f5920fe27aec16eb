// SPDX-License-Identifier: Apache-2.0
/** Layers on top of a parent, from tars: the whole image comes out, with the parent's blobs and the new one. */
import { openBootstrap, readFileChunks, walkTree } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { type BuildLayerOptions, buildLayer, createChunkPool, mergeLayers } from '../../src/index.ts'
import { byteName } from '../../src/tree/byte-name.ts'
import { readTree } from '../fixture-store.ts'
import { memorySink, noise, pieces, tarOf } from '../layer-bytes.ts'

const pool = createChunkPool({ workers: 1 })
afterAll(() => pool.close())

const apart = { blobInlineMeta: false, blobToc: false } as const
const versions = [5, 6] as const

async function build(tar: Uint8Array, options: Partial<BuildLayerOptions> = {}) {
  return await buildLayer(pieces(tar), { pool, sink: memorySink(), ...apart, ...options })
}

/** Paths with the blob and digest of each chunk. */
function listingOf(bootstrap: Uint8Array): string[] {
  const image = openBootstrap(bootstrap)
  const lines: string[] = []
  for (const { path, inode } of walkTree(image)) {
    const name = `/${path.map(byteName).join('/')} ${inode.mode.toString(8)} ${inode.uid}`
    const chunks = inode.layout === 'chunk-based' && inode.size > 0 ? readFileChunks(image, inode.nid) : []
    const places = chunks.map(({ blobIndex, digest }) => {
      return `${image.blobs[blobIndex]?.blobId.slice(0, 8)}:${Buffer.from(digest).toString('hex', 0, 4)}`
    })
    lines.push([name, ...places].join(' '))
  }
  return lines
}

describe.each(versions)('buildLayer of RAFS v%i with a parent', (fsVersion) => {
  it('gives the tree that merging the layers gives', async () => {
    const tars = ['layer0', 'layer1-own', 'layer2-own'].map(readTree)
    let parent: Uint8Array | undefined
    const layers: { bootstrap: Uint8Array; blobId: string }[] = []
    for (const tar of tars) {
      const alone = await build(tar, { fsVersion })
      layers.push({ bootstrap: alone.bootstrap, blobId: alone.runningId })
      const stacked = await build(tar, { fsVersion, ...(parent && { parent }) })
      expect(stacked.runningId).toBe(alone.runningId)
      parent = stacked.bootstrap
    }
    const merged = mergeLayers(layers)
    expect(listingOf(parent as Uint8Array)).toEqual(listingOf(merged.bootstrap))
    expect(openBootstrap(parent as Uint8Array).blobs.map(({ blobId }) => blobId)).toEqual(
      layers.map(({ blobId }) => blobId),
    )
  })

  it('stores nothing that the parent has', async () => {
    const shared = noise(5000, 1)
    const below = await build(tarOf({ a: shared }), { fsVersion })
    const above = await build(tarOf({ b: shared, c: noise(100, 2) }), { fsVersion, parent: below.bootstrap })
    expect([above.chunkCount, above.dedupBytes, above.dedupChunks]).toEqual([1, 5000, 1])
    const [root, ...files] = listingOf(above.bootstrap)
    expect(root).toMatch(/^\/ /)
    const places = files.map((line) => line.split(' ').at(-1)?.split(':')[0])
    const [own, other] = [above.runningId.slice(0, 8), below.runningId.slice(0, 8)]
    expect(places).toEqual([other, other, own])
  })

  it('keeps the parent as it is when the layer is empty', async () => {
    const below = await build(tarOf({ a: noise(10) }), { fsVersion })
    const above = await build(tarOf({}), { fsVersion, parent: below.bootstrap })
    expect(listingOf(above.bootstrap)).toEqual(listingOf(below.bootstrap))
    expect(above.hasData).toBe(false)
  })

  it('resolves hard links into the parent', async () => {
    const below = await build(readTree('layer0'), { fsVersion })
    const above = await build(readTree('layer-hl'), { fsVersion, parent: below.bootstrap })
    const image = openBootstrap(above.bootstrap)
    const nids = [...walkTree(image)].map(
      ({ path, inode }) => [path.map(byteName).join('/'), inode.nid] as const,
    )
    const found = new Map(nids)
    expect(found.get('cross-link')).toBe(found.get('keep/file'))
    expect(found.get('keep/file')).toBeDefined()
  })

  it.each([
    [{ fsVersion: fsVersion === 5 ? 6 : 5 } as const, 'RAFS version'],
    [{ fsVersion, chunkSize: 0x1000 }, 'chunk size'],
    [{ fsVersion, repeatable: true }, 'recording of owners'],
  ])('refuses a parent that was built otherwise: %j', async (options, what) => {
    const below = await build(tarOf({ a: noise(10) }), { fsVersion })
    await expect(build(tarOf({}), { ...options, parent: below.bootstrap })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT', message: expect.stringContaining(what) }),
    )
  })

  it('refuses a parent whose blob has no id yet, and bytes that are no bootstrap', async () => {
    const inlined = await build(tarOf({ a: noise(10) }), { fsVersion, blobInlineMeta: true })
    await expect(build(tarOf({}), { fsVersion, parent: inlined.bootstrap })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
    await expect(build(tarOf({}), { fsVersion, parent: noise(8192) })).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_FORMAT_/) }),
    )
  })
})

describe('digests of RAFS v5', () => {
  it('must be those of the parent', async () => {
    const below = await build(tarOf({ a: noise(10) }), { fsVersion: 5, digester: 'sha256' })
    await expect(build(tarOf({}), { fsVersion: 5, parent: below.bootstrap })).rejects.toThrow(
      /digest algorithm/,
    )
  })
})
