// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageStore, openImageStore } from '../../src/index.ts'
import { failureOf, identityOf, smallImage } from '../support/content.ts'
import { type MemoryRegistry, send, startMemoryRegistry } from '../support/memory-registry.ts'

const image = smallImage()
const identity = identityOf(image.manifest)
let registry: MemoryRegistry
let store: ImageStore
beforeEach(async () => {
  registry = await startMemoryRegistry()
  store = openImageStore(`${registry.host}/a:v1`, { plainHttp: true, retries: 2 })
  registry.manifests.set(`a:${identity.digest}`, { bytes: image.manifest, mediaType: image.mediaType })
})
afterEach(async () => {
  await store.close()
  await registry.close()
})

describe('reading a manifest', () => {
  it('asks once more for a wrong digest, never a third time', async () => {
    registry.manifests.set(`a:${identity.digest}`, {
      bytes: Buffer.from('{"schemaVersion":2}'),
      mediaType: image.mediaType,
    })
    expect(await failureOf(store.manifest(identity))).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    expect(registry.lines().filter((line) => line.includes('manifests'))).toHaveLength(2)
  })

  it('recovers from a digest that was wrong once', async () => {
    let wrong = 1
    registry.intercept = (request, response) =>
      request.url !== '/v2/' && wrong-- > 0 && send(response, 200, {}, '{}')
    expect((await store.manifest(identity)).document).toEqual(image.document)
  })

  it('refuses a size that differs from the descriptor', async () => {
    expect(await failureOf(store.manifest({ ...identity, size: 1 }))).toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
    })
  })

  it('stops at 4 MiB', async () => {
    registry.intercept = (request, response) =>
      request.url !== '/v2/' && send(response, 200, {}, Buffer.alloc((4 << 20) + 1, 0x20))
    expect(await failureOf(store.manifest(identity))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_RESPONSE',
      message: expect.stringContaining('more than 4194304 bytes'),
    })
  })

  it('tries 5xx and 429 again, with the pause the registry asks for', async () => {
    const answers = [503, 429, 0]
    registry.intercept = (request, response) => {
      const status = request.url === '/v2/' ? 0 : (answers.shift() ?? 0)
      if (status !== 0) send(response, status, { 'retry-after': '0' })
      return status !== 0
    }
    expect((await store.manifest(identity)).bytes).toHaveLength(image.manifest.length)
    expect(answers).toEqual([])
  })

  it('names the limit when the registry keeps refusing', async () => {
    registry.intercept = (request, response) =>
      request.url !== '/v2/' && send(response, 429, { 'retry-after': '7200' }, 'slow down')
    expect(await failureOf(store.manifest(identity))).toMatchObject({
      code: 'ERR_REGISTRY_RATE_LIMITED',
      retryable: true,
      details: { retryAfterMs: 7_200_000 },
    })
    // The pause is too long to wait for.
    expect(registry.lines().filter((line) => line.includes('manifests'))).toHaveLength(1)
  })

  it('does not print an error page, nor addresses with secrets', async () => {
    registry.intercept = (request, response) =>
      request.url !== '/v2/' && send(response, 418, {}, '<html>teapot</html>')
    const error = await failureOf(store.manifest(identity))
    expect(error).toMatchObject({ code: 'ERR_REGISTRY_BAD_RESPONSE', status: 418 })
    expect(error.message).not.toContain('html')
  })
})

describe('writing a manifest', () => {
  it('puts tags, digests and nothing else', async () => {
    await store.putManifest(image.manifest, image.mediaType)
    await store.putManifest(image.manifest, image.mediaType, { tag: 'v2' })
    await store.putManifest(image.manifest, image.mediaType, { tag: 'from-reference' })
    expect(registry.lines().slice(1)).toEqual([
      `PUT /v2/a/manifests/${identity.digest}`,
      'PUT /v2/a/manifests/v2',
      'PUT /v2/a/manifests/v1',
    ])
    expect(
      await failureOf(store.putManifest(image.manifest, image.mediaType, { tag: '../x' })),
    ).toMatchObject({
      code: 'ERR_REFERENCE_INVALID',
    })
  })

  it('does not move a pinned reference to something else', async () => {
    const other = smallImage(2)
    const pinned = openImageStore(`${registry.host}/a@${identity.digest}`, { plainHttp: true })
    await pinned.putManifest(image.manifest, image.mediaType, { tag: 'from-reference' })
    expect(
      await failureOf(pinned.putManifest(other.manifest, other.mediaType, { tag: 'from-reference' })),
    ).toMatchObject({
      code: 'ERR_REFERENCE_INVALID',
    })
    await pinned.close()
  })

  it('notices a registry that stored something else', async () => {
    registry.intercept = (request, response) =>
      request.method === 'PUT' && send(response, 201, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` })
    expect(await failureOf(store.putManifest(image.manifest, image.mediaType))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_RESPONSE',
    })
  })

  it('reports a refusal', async () => {
    registry.intercept = (request, response) =>
      request.method === 'PUT' && send(response, 400, {}, '{"errors":[{"code":"MANIFEST_INVALID"}]}')
    expect(await failureOf(store.putManifest(image.manifest, image.mediaType))).toMatchObject({
      code: 'ERR_REGISTRY_UPLOAD_REJECTED',
      registryCode: 'MANIFEST_INVALID',
    })
  })
})
