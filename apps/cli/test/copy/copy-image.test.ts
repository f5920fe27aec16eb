// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkImage } from '@nydus/checker'
import { isIndex, openImageStore } from '@nydus/registry-client'
import { buildTar, putImage, startRegistry, type TestRegistry } from '@nydus/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { copyImage } from '../../src/copy/copy-image.ts'
import type { CopyEvent } from '../../src/copy/copy-options.ts'
import { goldenImage, goldens, pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

async function registry(): Promise<TestRegistry> {
  const started = await startRegistry()
  onTestFinished(() => started.close())
  return started
}

const layer = (text: string) => buildTar([{ path: 'file', type: 'file', content: Buffer.from(text) }])

async function readDocument(place: string) {
  const store = openImageStore(place, { plainHttp: true })
  try {
    return await store.manifest(await store.resolve())
  } finally {
    await store.close()
  }
}

describe('copyImage', () => {
  it('mounts blobs inside one registry: nothing is downloaded', async () => {
    const { host, requests, bytesServed } = await registry()
    await pushGolden('image-default', `${host}/a/app:1`)
    requests.length = 0
    const result = await copyImage({
      source: `${host}/a/app:1`,
      target: `${host}/b/app:2`,
      plainHttp: true,
    })
    expect(result.target.digest).toBe(result.source.digest)
    expect(result.blobs.streamed.count).toBe(0)
    expect(result.blobs.mounted.count).toBe(6) // config, 4 blobs, bootstrap
    expect(bytesServed(({ kind }) => kind === 'blob')).toBe(0)
    expect(await checkImage({ target: `${host}/b/app:2`, plainHttp: true })).toMatchObject({ passed: true })
  })

  it('sends what is missing to another registry, and nothing the second time', async () => {
    const [from, to] = [await registry(), await registry()]
    await pushGolden('image-default', `${from.host}/app:1`)
    const options = { source: `${from.host}/app:1`, target: `${to.host}/app:1`, plainHttp: true }
    const first = await copyImage(options)
    expect(first.blobs).toMatchObject({ exists: { count: 0 }, streamed: { count: 6 } })
    to.requests.length = 0
    const again = await copyImage(options)
    expect(again.blobs).toMatchObject({ exists: { count: 6 }, streamed: { count: 0, bytes: 0 } })
    expect(to.requests.filter(({ method, kind }) => kind === 'upload' && method !== 'HEAD')).toEqual([])
  })

  it('copies a whole index byte for byte', async () => {
    const directory = temporaryDirectory()
    const [source, target] = [`oci:${join(directory, 'a')}:1`, `oci-archive:${join(directory, 'b.tar')}:1`]
    await pushGolden('image-source-mini-multi', source)
    const result = await copyImage({ source, target, platforms: 'all' })
    expect(result.images).toHaveLength(2)
    expect(result.target.digest).toBe(result.source.digest)
    const bytes = Buffer.from((await readDocument(target)).bytes)
    expect(bytes).toEqual(Buffer.from(goldens.read(goldenImage('image-source-mini-multi').manifest)))
  })

  it('takes both images of a platform from a merged index', async () => {
    const directory = temporaryDirectory()
    const [source, target] = [`oci:${join(directory, 'a')}:1`, `oci:${join(directory, 'b')}:1`]
    await pushGolden('image-all-platforms-merge', source)
    const result = await copyImage({ source, target, platforms: ['linux/arm64'] })
    expect(result.images.map(({ platform }) => platform)).toEqual(['linux/arm64', 'linux/arm64'])
    const { document } = await readDocument(target)
    expect(isIndex(document) && document.manifests.length).toBe(2)
  })

  it('takes one image out of an index', async () => {
    const directory = temporaryDirectory()
    const [source, target] = [`oci:${join(directory, 'a')}:1`, `oci:${join(directory, 'b')}:1`]
    await pushGolden('image-source-mini-multi', source)
    const { images, target: made } = await copyImage({ source, target, platforms: ['linux/arm64'] })
    expect(images).toEqual([{ platform: 'linux/arm64', digest: made.digest }])
    await expect(copyImage({ source, target, platforms: ['linux/s390x'] })).rejects.toMatchObject({
      code: 'ERR_IMAGE_PLATFORM',
    })
  })

  it('brings the layers that a zran image refers to', async () => {
    const { host } = await registry()
    const other = await registry()
    await pushGolden('image-source-mini-oci', `${host}/app:oci`)
    await pushGolden('image-oci-ref', `${host}/app:ref`)
    await copyImage({ source: `${host}/app:ref`, target: `${other.host}/app:ref`, plainHttp: true })
    const store = openImageStore(`${other.host}/app:ref`, { plainHttp: true })
    for (const part of goldenImage('image-source-mini-oci').layers ?? []) {
      expect(await store.hasBlob({ digest: `sha256:${part.sha256}`, size: part.size })).toBe(true)
    }
    await store.close()
  })

  it('reads and writes file:// archives', async () => {
    const directory = temporaryDirectory()
    const { host } = await registry()
    await pushGolden('image-default', `${host}/app:1`)
    const file = `file://${join(directory, 'app.tar')}`
    const out = await copyImage({ source: `${host}/app:1`, target: file, plainHttp: true })
    const back = await copyImage({ source: file, target: `${host}/back:1`, plainHttp: true })
    expect(back.target.digest).toBe(out.source.digest)
  })

  it('tries a failed push again, in pieces where asked for', async () => {
    const { host, fault, requests } = await registry()
    const directory = temporaryDirectory()
    await pushGolden('image-default', `oci:${directory}:1`)
    fault({ on: { kind: 'upload', method: 'PATCH' }, action: { do: 'drop' } })
    fault({ on: { kind: 'manifest', method: 'PUT' }, times: 5, action: { do: 'status', status: 503 } })
    const events: CopyEvent[] = []
    await copyImage({
      source: `oci:${directory}:1`,
      target: `${host}/app:1`,
      plainHttp: true,
      pushChunkBytes: 1024,
      pushRetryDelayMs: 1,
      onEvent: (event) => events.push(event),
    })
    expect(requests.filter(({ method }) => method === 'PATCH').length).toBeGreaterThan(6)
    expect(events.filter(({ type }) => type === 'retry')).not.toEqual([])
  })

  it('leaves the tag and no archive behind when a blob is damaged', async () => {
    const { host } = await registry()
    const from = await registry()
    putImage(from, 'app', '1', [layer('one'), layer('two')])
    from.fault({
      on: { kind: 'blob', method: 'GET' },
      times: Number.POSITIVE_INFINITY,
      action: { do: 'corrupt', atByte: 20 },
    })
    const source = `${from.host}/app:1`
    const failed = copyImage({ source, target: `${host}/app:1`, plainHttp: true, pushRetryCount: 0 })
    await expect(failed).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    await expect(readDocument(`${host}/app:1`)).rejects.toMatchObject({ code: 'ERR_REGISTRY_NOT_FOUND' })
    const directory = temporaryDirectory()
    const archive = join(directory, 'app.tar')
    const copying = copyImage({
      source,
      target: `oci-archive:${archive}`,
      plainHttp: true,
      pushRetryCount: 0,
    })
    await expect(copying).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    expect(existsSync(archive)).toBe(false)
    expect(readdirSync(directory)).toEqual([])
  })

  it('stops with the reason of an abort', async () => {
    const from = await registry()
    const directory = temporaryDirectory()
    putImage(from, 'app', '1', [layer('one')])
    from.fault({ on: { kind: 'blob', method: 'GET' }, action: { do: 'stall', afterBytes: 3 } })
    const controller = new AbortController()
    const reason = new Error('enough')
    const copying = copyImage({
      source: `${from.host}/app:1`,
      target: `oci:${join(directory, 'out')}:1`,
      plainHttp: true,
      signal: controller.signal,
      onEvent: ({ type }) => type === 'planned' && setTimeout(() => controller.abort(reason), 50),
    })
    await expect(copying).rejects.toBe(reason)
    expect(existsSync(join(directory, 'out', 'index.json'))).toBe(false)
  })

  it('lists blobs that a backend has as layers', async () => {
    const directory = temporaryDirectory()
    const { host, putBlob, putManifest } = await registry()
    const image = goldenImage('image-default')
    const layers = (image.layers ?? []).slice(0, -1)
    for (const part of layers) writeFileSync(join(directory, part.sha256), goldens.read(part))
    const boot = (image.layers ?? []).at(-1)
    if (boot === undefined || image.config === undefined) throw new Error('no bootstrap layer')
    const full = JSON.parse(Buffer.from(goldens.read(image.manifest)).toString())
    const config = JSON.parse(Buffer.from(goldens.read(image.config)).toString())
    config.rootfs.diff_ids = config.rootfs.diff_ids.slice(-1)
    putBlob('app', goldens.read(boot))
    const stored = putBlob('app', Buffer.from(JSON.stringify(config)))
    const manifest = { ...full, config: { ...full.config, ...stored }, layers: full.layers.slice(-1) }
    putManifest('app', '1', manifest, image.media_type)
    await copyImage({
      source: `${host}/app:1`,
      target: `${host}/full:1`,
      plainHttp: true,
      sourceBackend: { type: 'localfs', config: { dir: directory } },
    })
    const { document } = await readDocument(`${host}/full:1`)
    const digests = (layers: readonly { digest: string }[]) => layers.map(({ digest }) => digest)
    if (isIndex(document)) throw new Error('an index')
    expect(new Set(digests(document.layers))).toEqual(new Set(digests(full.layers)))
    expect(document.layers.at(-1)).toEqual(full.layers.at(-1))
    const report = await checkImage({ target: `${host}/full:1`, plainHttp: true })
    expect(report).toMatchObject({ passed: true })
  })
})
