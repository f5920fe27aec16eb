// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageStore, openImageStore } from '../../src/index.ts'
import { collect, failureOf, identityOf, smallImage } from '../support/content.ts'
import { type MemoryRegistry, send, startMemoryRegistry } from '../support/memory-registry.ts'

const image = smallImage()
let registry: MemoryRegistry
let store: ImageStore
beforeEach(async () => {
  registry = await startMemoryRegistry()
  store = openImageStore(`${registry.host}/a/b:v1`, { plainHttp: true, retries: 0 })
})
afterEach(async () => {
  await store.close()
  await registry.close()
})

async function push(): Promise<void> {
  for (const bytes of [image.layer, image.config]) await store.putBlob(identityOf(bytes), bytes)
  await store.putManifest(image.manifest, image.mediaType, { tag: 'from-reference' })
}

describe('a registry store', () => {
  it('gives back what was put', async () => {
    await push()
    const descriptor = await store.resolve()
    expect(descriptor).toEqual({ mediaType: image.mediaType, ...identityOf(image.manifest) })
    const { bytes, document } = await store.manifest(descriptor)
    expect(document).toEqual(image.document)
    expect(Buffer.compare(bytes, image.manifest)).toBe(0)
    expect(Buffer.compare(await collect(store.openBlob(identityOf(image.layer))), image.layer)).toBe(0)
    expect(await store.readBlobRange(identityOf(image.layer).digest, { offset: 5, length: 7 })).toEqual(
      image.layer.subarray(5, 12),
    )
    expect(await store.blobSize(identityOf(image.config).digest)).toBe(image.config.length)
    expect(store).toMatchObject({ kind: 'registry', reference: `${registry.host}/a/b:v1` })
  })

  it('does not send what is there already', async () => {
    await push()
    registry.requests.length = 0
    await store.putBlob(identityOf(image.layer), () => {
      throw new Error('must not be read')
    })
    expect(registry.lines()).toEqual([`HEAD /v2/a/b/blobs/${identityOf(image.layer).digest}`])
  })

  it('resolves by digest, and with GET where HEAD does not tell', async () => {
    await push()
    const { digest } = identityOf(image.manifest)
    const pinned = openImageStore(`${registry.host}/a/b@${digest}`, { plainHttp: true })
    expect((await pinned.resolve()).digest).toBe(digest)
    await pinned.close()
    for (const status of [200, 405]) {
      registry.intercept = (request, response) => request.method === 'HEAD' && send(response, status)
      expect(await store.resolve()).toEqual({ mediaType: image.mediaType, ...identityOf(image.manifest) })
    }
  })

  it('reports what is not there', async () => {
    expect(await failureOf(store.resolve())).toMatchObject({
      code: 'ERR_REGISTRY_NOT_FOUND',
      status: 404,
      registryCode: 'MANIFEST_UNKNOWN',
      message: expect.stringContaining('a/b:v1'),
      details: { url: `${registry.url}/v2/a/b/manifests/v1` },
    })
    const { digest } = identityOf(image.layer)
    expect(await failureOf(store.blobSize(digest))).toMatchObject({ code: 'ERR_REGISTRY_NOT_FOUND' })
    expect(await failureOf(store.readBlobRange(digest, { offset: 0, length: 1 }))).toMatchObject({
      registryCode: 'BLOB_UNKNOWN',
    })
    expect(await store.hasBlob(identityOf(image.layer))).toBe(false)
  })

  it('counts a blob of another size as missing', async () => {
    registry.blobs.set(identityOf(image.layer).digest, image.layer.subarray(1))
    expect(await store.hasBlob(identityOf(image.layer))).toBe(false)
  })
})
