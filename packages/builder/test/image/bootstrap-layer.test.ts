// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { buildBootstrapLayer, readTar } from '../../src/index.ts'
import { type Fixture, manifest, readStored, type Stored } from '../fixture-store.ts'
import { collect, noise, pieces } from '../layer-bytes.ts'

interface Image {
  readonly layers?: readonly (Stored & { readonly media_type: string })[]
  readonly manifests?: readonly Image[]
}

function imagesOf(image: Image | undefined): Image[] {
  if (image === undefined) return []
  return [...(image.layers === undefined ? [] : [image]), ...(image.manifests ?? []).flatMap(imagesOf)]
}

/** Plain tars of all bootstrap layers that the original wrote, by digest. */
function goldenTars(): Map<string, Uint8Array> {
  const tars = new Map<string, Uint8Array>()
  for (const fixture of manifest.fixtures as readonly (Fixture & { readonly image?: Image })[]) {
    if (fixture.kind !== 'image') continue
    for (const { layers = [] } of imagesOf(fixture.image)) {
      const last = layers.at(-1)
      if (last?.path === undefined || !last.media_type.includes('tar')) continue
      const stored = readStored(last)
      if (stored[0] !== 0x1f) continue
      const tar = gunzipSync(stored)
      if (tar.subarray(0, 6).toString('latin1') === 'image\0') tars.set(last.sha256, tar)
    }
  }
  return tars
}

async function filesOf(tar: Uint8Array): Promise<{ path: string; mode: number; bytes: Buffer }[]> {
  const files: { path: string; mode: number; bytes: Buffer }[] = []
  for await (const entry of readTar(pieces(tar))) {
    const path = entry.path.map((part) => Buffer.from(part).toString()).join('/')
    files.push({ path, mode: entry.mode, bytes: await collect(entry.content) })
  }
  return files
}

describe('buildBootstrapLayer', () => {
  const tars = [...goldenTars()]

  it.each(tars)('packs the tar of the original: layer %s', async (_, tar) => {
    const [, boot, ...metas] = await filesOf(tar)
    const layer = await buildBootstrapLayer({
      bootstrap: boot?.bytes as Buffer,
      blobMetas: metas.map(({ path, bytes }) => ({
        blobId: path.slice('image/'.length, -'.blob.meta'.length),
        bytes,
      })),
    })
    expect(Buffer.compare(gunzipSync(layer.bytes), tar)).toBe(0)
    expect(layer.diffId).toBe(`sha256:${createHash('sha256').update(tar).digest('hex')}`)
    expect(layer.digest).toBe(`sha256:${createHash('sha256').update(layer.bytes).digest('hex')}`)
    expect(layer.size).toBe(layer.bytes.length)
  })

  it('covers what there is', () => expect(tars.length).toBeGreaterThan(10))

  it('gives the same bytes each time, without time or machine in the gzip header', async () => {
    const [one, two] = [
      await buildBootstrapLayer({ bootstrap: noise(9000) }),
      await buildBootstrapLayer({ bootstrap: noise(9000) }),
    ]
    expect(one).toEqual(two)
    expect([...one.bytes.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, expect.any(Number), 255])
    expect((await filesOf(gunzipSync(one.bytes))).map(({ path, mode }) => [path, mode])).toEqual([
      ['image', 0o755],
      ['image/image.boot', 0o444],
    ])
  })

  it.each([['../../../etc/passwd'], ['A'.repeat(64)], ['ab']])('refuses the blob id %j', async (blobId) => {
    const layer = buildBootstrapLayer({ bootstrap: noise(10), blobMetas: [{ blobId, bytes: noise(1) }] })
    await expect(layer).rejects.toMatchObject({ code: 'ERR_BUILD_OPTION_CONFLICT' })
  })

  it('puts further files behind the others', async () => {
    const list = { name: 'prefetch.files', bytes: Buffer.from('{}') }
    const { bytes } = await buildBootstrapLayer({ bootstrap: new Uint8Array(8), files: [list] })
    const paths: string[] = []
    for await (const { path } of readTar(ReadableStream.from([gunzipSync(bytes)]))) {
      paths.push(path.map((name) => Buffer.from(name).toString()).join('/'))
    }
    expect(paths).toEqual(['image', 'image/image.boot', 'image/prefetch.files'])
  })

  it('refuses a blob id that comes twice', async () => {
    const meta = { blobId: 'a'.repeat(64), bytes: noise(1) }
    const layer = buildBootstrapLayer({ bootstrap: noise(10), blobMetas: [meta, meta] })
    await expect(layer).rejects.toMatchObject({ message: expect.stringContaining('comes twice') })
  })
})
