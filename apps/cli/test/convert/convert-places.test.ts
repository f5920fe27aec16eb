// SPDX-License-Identifier: Apache-2.0
/** Where a conversion takes layers from and puts blobs to: build caches, dictionaries, directories, work files. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkImage } from '@nydus/checker'
import { openBootstrap } from '@nydus/rafs-format'
import { buildTar, putImage, startRegistry } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import type { ConvertEvent } from '../../src/convert/convert-events.ts'
import { convertImage } from '../../src/convert/convert-image.ts'
import type { ConvertOptions } from '../../src/convert/convert-options.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

/** Bytes of a blob behind its bootstrap: its trailer, five entries of the table of contents, and the trailer of that. */
const AFTER_BOOTSTRAP = 512 + 5 * 128 + 512
const LOWER = buildTar([{ path: 'a', content: Buffer.alloc(200_000, 'lower') }])
const UPPER = buildTar([{ path: 'b', content: 'upper' }])

async function openFixture() {
  const directory = temporaryDirectory()
  const registry = await startRegistry()
  putImage(registry, 'app', '1', [LOWER, UPPER])
  const events: ConvertEvent[] = []
  const options: ConvertOptions = {
    source: `${registry.host}/app:1`,
    target: `${registry.host}/app:1-nydus`,
    plainHttp: true,
    platforms: 'all',
    workDir: join(directory, 'work'),
    onEvent: (event) => events.push(event),
  }
  const count = (type: ConvertEvent['type']) => events.filter((event) => event.type === type).length
  const notes = () => events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
  const manifest = (tag: string, repository = 'app') =>
    registry.manifest(repository, tag)?.document as {
      layers: { digest: string; size: number; annotations: Record<string, string> }[]
      annotations: Record<string, string>
    }
  return {
    directory,
    registry,
    options,
    count,
    notes,
    manifest,
    [Symbol.asyncDispose]: () => registry.close(),
  }
}

describe('a build cache', () => {
  it('gives the same image without building, also in another repository', async () => {
    await using fixture = await openFixture()
    const { registry, options } = fixture
    const buildCache = `${registry.host}/cache:1`
    const first = await convertImage({ ...options, buildCache })
    expect(fixture.count('layer-built')).toBe(2)
    const second = await convertImage({ ...options, buildCache, target: `${registry.host}/other:2` })
    expect(fixture.count('layer-built')).toBe(2)
    expect(fixture.count('layer-cached')).toBe(2)
    expect(second.target.digest).toBe(first.target.digest)
  })

  it.each([
    ['another compressor', { compressor: 'none' }],
    ['another RAFS version', { fsVersion: 5 }],
    ['another chunk size', { chunkSize: 0x10000 }],
    ['batches', { batchSize: 0x100000 }],
    ['references', { ociRef: true }],
  ] as const)('is not used for %s', async (_, change) => {
    await using fixture = await openFixture()
    const buildCache = `${fixture.registry.host}/app:cache`
    await convertImage({ ...fixture.options, buildCache })
    await convertImage({ ...fixture.options, ...change, buildCache })
    expect([fixture.count('layer-built'), fixture.count('layer-cached')]).toEqual([4, 0])
  })

  it('of another version is not used, and that is said', async () => {
    await using fixture = await openFixture()
    const buildCache = `${fixture.registry.host}/app:cache`
    await convertImage({ ...fixture.options, buildCache })
    await convertImage({ ...fixture.options, buildCache, buildCacheVersion: 'v2' })
    expect(fixture.count('layer-cached')).toBe(0)
    expect(fixture.notes().join()).toMatch(/is not used: version "", expected v2/)
  })

  it('whose blob is damaged or gone is built again, and that is said', async () => {
    await using fixture = await openFixture()
    const buildCache = `${fixture.registry.host}/app:cache`
    const first = await convertImage({ ...fixture.options, buildCache })
    const [lower, upper] = fixture.manifest('cache').layers
    fixture.registry.corruptBlob(lower?.digest ?? '', (lower?.size ?? 0) - AFTER_BOOTSTRAP - 50)
    fixture.registry.deleteBlob(upper?.digest ?? '')
    const again = await convertImage({
      ...fixture.options,
      buildCache,
      target: `${fixture.registry.host}/app:2`,
    })
    expect(fixture.notes().filter((note) => /is built again: /.test(note))).toHaveLength(2)
    expect(again.target.digest).toBe(first.target.digest)
  })
})

describe('other places', () => {
  it('a dictionary saves the chunks it has, and its blobs are listed and brought along', async () => {
    await using fixture = await openFixture()
    const { registry, options } = fixture
    await convertImage(options)
    putImage(registry, 'next', '1', [
      buildTar([
        { path: 'a', content: Buffer.alloc(200_000, 'lower') },
        { path: 'n', content: 'new' },
      ]),
    ])
    const next = { ...options, source: `${registry.host}/next:1`, target: `${registry.host}/next:1-nydus` }
    await convertImage({ ...next, chunkDict: `bootstrap:registry:${options.target}` })
    const [dictBlob] = fixture.manifest('1-nydus').layers
    expect(fixture.manifest('1-nydus', 'next').layers.map(({ digest }) => digest)).toContain(dictBlob?.digest)
    expect(registry.hasBlob('next', dictBlob?.digest ?? '')).toBe(true)
    expect((await checkImage({ source: next.source, target: next.target, plainHttp: true })).passed).toBe(
      true,
    )
  })

  it('a local dictionary whose blobs are not in the target is refused', async () => {
    await using fixture = await openFixture()
    const { registry, options, directory } = fixture
    await convertImage({ ...options, workFiles: 'keep' })
    const name = readdirSync(join(directory, 'work/bootstraps')).find((each) => /^2-sha256:\w+$/.test(each))
    const chunkDict = `bootstrap:local:${join(directory, 'work/bootstraps', name ?? '')}`
    const elsewhere = convertImage({ ...options, chunkDict, target: `${registry.host}/empty:1` })
    await expect(elsewhere).rejects.toMatchObject({ code: 'ERR_BLOB_NOT_FOUND' })
    expect(registry.tags('empty')).toEqual([])
  })

  it('blobs go to a directory, and the manifest lists the bootstrap only', async () => {
    await using fixture = await openFixture()
    const blobDirectory = join(fixture.directory, 'blobs')
    const result = await convertImage({ ...fixture.options, blobDirectory })
    expect(fixture.manifest('1-nydus').layers).toHaveLength(1)
    const ids = result.images[0]?.blobs.map(({ digest }) => digest.replace('sha256:', '')) ?? []
    expect(readdirSync(blobDirectory).sort()).toEqual([...ids].sort())
    writeFileSync(join(blobDirectory, ids[0] ?? ''), '')
    await convertImage({ ...fixture.options, blobDirectory })
    expect(readFileSync(join(blobDirectory, ids[0] ?? '')).length).toBe(result.images[0]?.blobs[0]?.size)
  })

  it('layers that are referred to come along to another repository', async () => {
    await using fixture = await openFixture()
    const target = `${fixture.registry.host}/other:1`
    await convertImage({ ...fixture.options, target, ociRef: true })
    for (const { annotations } of fixture.manifest('1', 'other').layers.slice(0, -1)) {
      const layer = annotations['containerd.io/snapshot/nydus-ref'] ?? ''
      expect(fixture.registry.hasBlob('other', layer)).toBe(true)
    }
  })
})

describe('what nydusify before 2.0 wrote', () => {
  it('the work directory keeps bootstraps, their output and metrics', async () => {
    await using fixture = await openFixture()
    const { layers } = fixture.manifest('1')
    await convertImage({ ...fixture.options, workFiles: 'keep' })
    const work = join(fixture.directory, 'work')
    expect(readdirSync(work).sort()).toEqual(['blobs', 'bootstraps', 'conversion_metrics.prom', 'source'])
    const names = layers.map(({ digest }, i) => `${i + 1}-${digest}`)
    expect(readdirSync(join(work, 'bootstraps')).sort()).toEqual(
      names.flatMap((name) => [name, `${name}-output.json`]),
    )
    const last = join(work, 'bootstraps', names[1] ?? '')
    const blobs = openBootstrap(readFileSync(last)).blobs.map(({ blobId }) => blobId)
    const output = JSON.parse(readFileSync(`${last}-output.json`, 'utf8')) as object
    expect(output).toMatchObject({ blobs, trace: { registered_events: { 'loading files from parent': 3 } } })
    const metrics = readFileSync(join(work, 'conversion_metrics.prom'), 'utf8')
    expect(metrics).toMatch(
      /^nydusify_convert_convert_duration_key\{layers_count="2",source_reference="127.*"\} [\d.]+$/m,
    )
    expect(metrics).toMatch(/^nydusify_convert_convert_count_key\{source_reference=".*\/app:1"\} 1$/m)
  })

  it('a failure leaves its metric and nothing else', async () => {
    await using fixture = await openFixture()
    const source = `${fixture.registry.host}/app:none`
    const conversion = convertImage({ ...fixture.options, source, workFiles: 'keep' })
    await expect(conversion).rejects.toMatchObject({ code: 'ERR_REGISTRY_NOT_FOUND' })
    const work = join(fixture.directory, 'work')
    expect(readdirSync(work)).toEqual(['conversion_metrics.prom'])
    expect(readFileSync(join(work, 'conversion_metrics.prom'), 'utf8')).toMatch(
      /failure_count\{reason="ERR_REGISTRY_NOT_FOUND",/,
    )
  })

  it('annotations say it in the old words too', async () => {
    await using fixture = await openFixture()
    await convertImage({ ...fixture.options, traceAnnotations: true })
    const { annotations, layers } = fixture.manifest('1-nydus')
    expect(annotations).toMatchObject({
      'nydus.trace.source-reference': fixture.options.source,
      'nydus.trace.nydusify-version': expect.stringMatching(/^nydus-ts-/),
    })
    const ids = JSON.parse(
      layers.at(-1)?.annotations['containerd.io/snapshot/nydus-blob-ids'] ?? '',
    ) as string[]
    expect(ids.map((id) => `sha256:${id}`).sort()).toEqual(
      layers
        .slice(0, -1)
        .map(({ digest }) => digest)
        .sort(),
    )
  })
})

describe('a second run of the same conversion', () => {
  it.each([
    ['a manifest', {}],
    ['an index with both', { mergePlatform: true }],
    ['references', { ociRef: true }],
  ])('%s: builds and uploads nothing', async (_, change) => {
    await using fixture = await openFixture()
    const options = { ...fixture.options, ...change, traceAnnotations: true }
    const first = await convertImage(options)
    const before = fixture.registry.requests.length
    const second = await convertImage(options)
    expect(second.target.digest).toBe(first.target.digest)
    const methods = new Set(fixture.registry.requests.slice(before).map(({ method }) => method))
    expect([...methods].sort()).toEqual(['GET', 'HEAD'])
    expect([fixture.count('layer-built'), fixture.count('layer-cached')]).toEqual([2, 2])
  })

  it('with other options or another source builds again', async () => {
    await using fixture = await openFixture()
    const options = { ...fixture.options, traceAnnotations: true }
    await convertImage(options)
    await convertImage({ ...options, prefetchPatterns: ['/a'] })
    expect(fixture.count('layer-cached')).toBe(0)
    putImage(fixture.registry, 'app', '1', [UPPER, LOWER])
    await convertImage({ ...options, prefetchPatterns: ['/a'] })
    expect(fixture.count('layer-cached')).toBe(0)
  })
})
