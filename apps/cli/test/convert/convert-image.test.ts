// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Digest } from '@nydus/base/digest'
import { type ImageStore, type Index, isIndex, type Manifest, openImageStore } from '@nydus/registry-client'
import { buildTar, putImage, startRegistry } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import type { ConvertEvent } from '../../src/convert/convert-events.ts'
import { type ConvertResult, convertImage } from '../../src/convert/convert-image.ts'
import type { ConvertOptions } from '../../src/convert/convert-options.ts'
import { goldenImage, goldens, pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const SOURCES: Readonly<Record<string, string>> = {
  'mini:oci': 'image-source-mini-oci',
  'mini:docker': 'image-source-mini-docker',
  'mini:multi': 'image-source-mini-multi',
  'bb:oci': 'image-source-bb-oci',
  'mini:nydus-default': 'image-default',
}

/** Our options for the command line of each golden. */
const CASES: Readonly<Record<string, Partial<ConvertOptions>>> = {
  'image-default': {},
  'image-docker-source': {},
  'image-docker-source-oci': { mediaTypes: 'oci' },
  'image-oci': { mediaTypes: 'oci' },
  'image-with-referrer': { withReferrer: true },
  'image-prefetch-dir': { prefetchPatterns: ['/keep'] },
  'image-prefetch-patterns': { prefetchPatterns: ['/keep', '/replaced'] },
  'image-chunk-size': { chunkSize: 0x10000 },
  'image-lz4': { compressor: 'lz4_block' },
  'image-none-compressor': { compressor: 'none' },
  'image-one-platform': { platforms: ['linux/arm64'] },
  'image-bb-default': {},
}

describe('convertImage on the images of the fixtures', () => {
  it.each(Object.keys(CASES))('%s: manifest and config have the fields of the original', async (id) => {
    const { manifest, store, result } = await convertGolden(id, CASES[id] ?? {})
    const golden = goldenDocument<Manifest>(goldenImage(id).manifest)
    expect(maskManifest(manifest)).toEqual(maskManifest(golden))
    const config = await readText(store, manifest.config.digest, manifest.config.size)
    const goldenConfig = Buffer.from(goldens.read(required(goldenImage(id).config))).toString()
    expect(maskDigests(config)).toBe(maskDigests(goldenConfig))
    expect(result.sourceSize).toBe(outputJson(id).SourceImageSize)
    expect(result.targetSize).toBe(
      manifest.config.size + manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
    )
  })

  it('without compression every blob, the config and the bootstrap layer equal the original bit for bit', async () => {
    const id = 'image-none-compressor'
    const { manifest, bytes, store } = await convertGolden(id, { compressor: 'none' })
    const golden = goldenDocument<Manifest>(goldenImage(id).manifest)
    expect(manifest.config).toEqual(golden.config)
    expect(manifest.layers.slice(0, -1)).toEqual(golden.layers.slice(0, -1))
    // Exception: the bootstrap layer is the same tar, but gzip output differs between Go's encoder and zlib.
    const ours = required(manifest.layers.at(-1))
    const theirs = required(golden.layers.at(-1))
    const layer = goldens.read(required(goldenImage(id).layers?.at(-1)))
    expect(gunzipSync(await readBytes(store, ours.digest, ours.size)).equals(gunzipSync(layer))).toBe(true)
    const text = bytes
      .toString()
      .replace(ours.digest, theirs.digest)
      .replace(`"size": ${ours.size}`, `"size": ${theirs.size}`)
    expect(text).toBe(Buffer.from(goldens.read(goldenImage(id).manifest)).toString())
  })

  it('an image that is Nydus already is copied when asked for, and its manifest equals the original bit for bit', async () => {
    const { bytes } = await convertGolden('image-already-nydus', { nydusSource: 'copy' })
    expect(bytes.toString()).toBe(
      Buffer.from(goldens.read(goldenImage('image-already-nydus').manifest)).toString(),
    )
  })

  it('several platforms become an index with the members of the original', async () => {
    const { document, store } = await convertGolden('image-all-platforms', { platforms: 'all' })
    const golden = goldenDocument<{ manifests: object[] }>(goldenImage('image-all-platforms').manifest)
    expect(maskDigests(JSON.stringify(document))).toBe(maskDigests(JSON.stringify(golden)))
    if (!isIndex(document)) throw new Error('no index')
    for (const [i, descriptor] of document.manifests.entries()) {
      const { document: manifest } = await store.manifest(descriptor)
      const expected = goldenDocument<Manifest>(
        required(goldenImage('image-all-platforms').manifests?.[i]).manifest,
      )
      expect(maskManifest(manifest as Manifest)).toEqual(maskManifest(expected))
    }
  })

  it('gives the same digests every time, and leaves nothing in the work directory', async () => {
    const first = await convertGolden('image-default', {})
    const second = await convertGolden('image-default', { layerConcurrency: 1 })
    expect(second.result.target.digest).toBe(first.result.target.digest)
    expect(readdirSync(first.directory)).not.toContain('work')
  })
})

describe('convertImage with a registry', () => {
  const lower = buildTar([{ path: 'a', content: 'first' }])
  const upper = buildTar([{ path: 'b', content: 'second' }])

  it('builds a layer that occurs twice once and lists it twice', async () => {
    await using fixture = await openFixture()
    putImage(fixture.registry, 'app', '1', [lower, upper, lower])
    const events: ConvertEvent[] = []
    const result = await convertImage({ ...fixture.options, onEvent: (event) => events.push(event) })
    expect(events.filter(({ type }) => type === 'layer-built')).toHaveLength(2)
    const [image] = result.images
    expect(image?.blobs.map(({ digest }) => digest)).toHaveLength(3)
    expect(image?.blobs[0]).toEqual(image?.blobs[2])
  })

  it('reports the steps of each layer and the end in order', async () => {
    await using fixture = await openFixture()
    putImage(fixture.registry, 'app', '1', [lower])
    const types: string[] = []
    await convertImage({ ...fixture.options, onEvent: ({ type }) => types.push(type) })
    const steps = types.filter((type) => !/^layer-(progress|push)/.test(type))
    expect(steps).toEqual(['resolved', 'platform', 'layer-started', 'layer-built', 'merged', 'pushed'])
    // The merge does not wait for the push of a layer, the manifest does.
    expect(types.indexOf('layer-pushed')).toBeGreaterThan(types.indexOf('layer-built'))
    expect(types.indexOf('layer-pushed')).toBeLessThan(types.indexOf('pushed'))
  })

  it('refuses a Nydus source', async () => {
    await using fixture = await openFixture()
    putImage(fixture.registry, 'app', '1', [lower])
    await convertImage(fixture.options)
    const again = convertImage({
      ...fixture.options,
      source: fixture.options.target,
      target: `${fixture.options.target}-2`,
    })
    await expect(again).rejects.toMatchObject({ code: 'ERR_IMAGE_IS_NYDUS' })
    expect(fixture.registry.tags('app')).toEqual(['1', '1-nydus'])
  })

  it('refuses what is no image', async () => {
    await using fixture = await openFixture()
    const { config, layers } = putImage(fixture.registry, 'app', '1', [lower])
    fixture.registry.putManifest(
      'app',
      '1',
      {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', ...config },
        layers: [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', ...layers[0] }],
      },
      'application/vnd.oci.image.manifest.v1+json',
    )
    await expect(convertImage(fixture.options)).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_AN_IMAGE' })
  })

  it('refuses an image for another platform than the one asked for', async () => {
    await using fixture = await openFixture()
    putImage(fixture.registry, 'app', '1', [lower])
    const conversion = convertImage({ ...fixture.options, platforms: ['linux/s390x'] })
    await expect(conversion).rejects.toMatchObject({ code: 'ERR_IMAGE_PLATFORM' })
  })

  it.each([
    ['a layer that ends early', 'ERR_DECOMPRESS_FAILED'],
    ['a layer whose tar is another one', 'ERR_DIGEST_MISMATCH'],
    ['a layer with a path that leaves the image', 'ERR_BUILD_PATH_ESCAPE'],
  ])('%s: the target stays as it was and no file is left', async (what, code) => {
    await using fixture = await openFixture()
    const before = putImage(fixture.registry, 'app', '1-nydus', [upper])
    putImage(fixture.registry, 'app', '1', [damagedLayer(what)])
    await expect(convertImage(fixture.options)).rejects.toMatchObject({ code })
    expect(fixture.registry.manifest('app', '1-nydus')?.digest).toBe(before.manifest.digest)
    expect(readdirSync(fixture.directory)).toEqual([])
  })

  it('a layer with a flipped bit in its file content fails by its digest', async () => {
    await using fixture = await openFixture()
    const { layers } = putImage(fixture.registry, 'app', '1', [{ tar: lower, stored: lower }])
    fixture.registry.corruptBlob(required(layers[0]).digest, 512)
    await expect(convertImage(fixture.options)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    expect(fixture.registry.tags('app')).toEqual(['1'])
    expect(readdirSync(fixture.directory)).toEqual([])
  })

  it('a registry that fails half-way through the push: the target stays as it was and no file is left', async () => {
    await using fixture = await openFixture()
    const before = putImage(fixture.registry, 'app', '1-nydus', [upper])
    putImage(fixture.registry, 'app', '1', [lower])
    fixture.registry.fault({
      on: { method: 'PUT', kind: 'manifest' },
      times: Number.POSITIVE_INFINITY,
      action: { do: 'status', status: 503 },
    })
    const conversion = convertImage({ ...fixture.options, pushRetryCount: 1, pushRetryDelayMs: 1 })
    await expect(conversion).rejects.toMatchObject({ code: 'ERR_REGISTRY_UNAVAILABLE' })
    expect(fixture.registry.manifest('app', '1-nydus')?.digest).toBe(before.manifest.digest)
    expect(readdirSync(fixture.directory)).toEqual([])
  })

  it('a connection that breaks in the middle of a layer does no harm', async () => {
    await using fixture = await openFixture()
    putImage(fixture.registry, 'app', '1', [buildTar([{ path: 'a', content: randomBytes(300_000) }])])
    const undisturbed = await convertImage({ ...fixture.options, target: `${fixture.registry.host}/app:2` })
    fixture.registry.fault({ on: { kind: 'blob' }, skip: 1, action: { do: 'cut', afterBytes: 100_000 } })
    const result = await convertImage(fixture.options)
    expect(fixture.registry.faults.pending).toEqual([])
    expect(result.target.digest).toBe(undisturbed.target.digest)
  })

  it('a registry that goes away in the middle of a layer ends the conversion', async () => {
    await using fixture = await openFixture()
    const tar = buildTar([{ path: 'a', content: randomBytes(300_000) }])
    const { layers } = putImage(fixture.registry, 'app', '1', [tar])
    const on = { method: 'GET', kind: 'blob', reference: required(layers[0]).digest } as const
    fixture.registry.fault({ on, action: { do: 'cut', afterBytes: 100_000 } })
    fixture.registry.fault({ on, times: Number.POSITIVE_INFINITY, action: { do: 'drop' } })
    await expect(convertImage(fixture.options)).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONNECTION' })
    expect(fixture.registry.tags('app')).toEqual(['1'])
    expect(readdirSync(fixture.directory)).toEqual([])
  })

  it('an abort rejects with its reason, and no file is left', async () => {
    await using fixture = await openFixture()
    putImage(fixture.registry, 'app', '1', [lower, upper])
    const controller = new AbortController()
    const reason = new Error('enough')
    const onEvent = ({ type }: ConvertEvent) => {
      if (type === 'layer-started') controller.abort(reason)
    }
    const conversion = convertImage({ ...fixture.options, signal: controller.signal, onEvent })
    await expect(conversion).rejects.toBe(reason)
    expect(fixture.registry.tags('app')).toEqual(['1'])
    expect(readdirSync(fixture.directory)).toEqual([])
  })

  it('an unknown reference says so', async () => {
    await using fixture = await openFixture()
    await expect(convertImage(fixture.options)).rejects.toMatchObject({ code: 'ERR_REGISTRY_NOT_FOUND' })
  })
})

async function openFixture() {
  const directory = temporaryDirectory()
  const registry = await startRegistry()
  const options: ConvertOptions = {
    source: `${registry.host}/app:1`,
    target: `${registry.host}/app:1-nydus`,
    plainHttp: true,
    workDir: join(directory, 'work'),
  }
  return { directory, registry, options, [Symbol.asyncDispose]: () => registry.close() }
}

function damagedLayer(what: string): Uint8Array | { tar: Uint8Array; stored: Uint8Array } {
  const tar = buildTar([{ path: 'a', content: Buffer.alloc(100_000, 'content') }])
  if (what === 'a layer that ends early') return { tar, stored: gzipSync(tar).subarray(0, -40) }
  if (what === 'a layer whose tar is another one') return { tar, stored: gzipSync(buildTar([{ path: 'z' }])) }
  if (what === 'a layer with a path that leaves the image')
    return buildTar([{ path: '../../etc/passwd', content: 'x' }])
  return tar
}

interface GoldenConversion {
  readonly directory: string
  readonly result: ConvertResult
  readonly store: ImageStore
  readonly bytes: Buffer
  readonly document: Manifest | Index
  readonly manifest: Manifest
}

/** Converts the golden's source with our options, naming source and builder as the golden does. */
async function convertGolden(id: string, options: Partial<ConvertOptions>): Promise<GoldenConversion> {
  const directory = temporaryDirectory()
  const { source = '' } = goldens.fixture(id)
  const place = `oci:${join(directory, 'source')}:image`
  await pushGolden(required(SOURCES[source]), place)
  const target = `oci:${join(directory, 'target')}:image`
  const result = await convertImage({
    platforms: ['linux/amd64'],
    ...options,
    source: place,
    target,
    sourceReference: `localhost:5077/fx/${source}`,
    builderVersion: 'v2.4.4-8-g34e6071e',
    workDir: join(directory, 'work'),
  })
  const store = openImageStore(target)
  const { bytes, document } = await store.manifest(await store.resolve())
  return { directory, result, store, bytes: Buffer.from(bytes), document, manifest: document as Manifest }
}

/**
 * Exceptions from equality, by reason: digests and sizes of blobs depend on the version of the zstd and lz4 libraries, and
 * with them those of config and bootstrap layer. Everything else is compared.
 */
function maskManifest(manifest: Manifest): object {
  return JSON.parse(
    maskDigests(JSON.stringify(manifest, (key, value) => (key === 'size' ? 0 : value))),
  ) as object
}

function maskDigests(text: string): string {
  const kept = goldenSourceDigests()
  return text.replace(/sha256:[0-9a-f]{64}/g, (digest) => (kept.has(digest) ? digest : 'sha256:masked'))
}

function goldenSourceDigests(): ReadonlySet<string> {
  return new Set(Object.values(SOURCES).map((id) => goldenImage(id).digest))
}

function goldenDocument<T>(stored: Parameters<typeof goldens.read>[0]): T {
  return JSON.parse(Buffer.from(goldens.read(stored)).toString()) as T
}

function outputJson(id: string): { SourceImageSize: number } {
  return goldens.fixture(id).output_json as { SourceImageSize: number }
}

async function readBytes(store: ImageStore, digest: Digest, size: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.openBlob({ digest, size })) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function readText(store: ImageStore, digest: Digest, size: number): Promise<string> {
  return (await readBytes(store, digest, size)).toString()
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing')
  return value
}
