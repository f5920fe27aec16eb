// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageStore, openImageStore, RegistryError } from '../../src/index.ts'
import { failureOf, identityOf, patternBytes } from '../support/content.ts'
import { errorBody, type MemoryRegistry, send, startMemoryRegistry } from '../support/memory-registry.ts'

const blob = patternBytes(700_000)
const identity = identityOf(blob)
let registry: MemoryRegistry
let store: ImageStore

async function start(absoluteLocations = false): Promise<void> {
  registry = await startMemoryRegistry({ absoluteLocations })
  store = openImageStore(`${registry.host}/a/b`, { plainHttp: true, retries: 2 })
}
beforeEach(() => start())
afterEach(async () => {
  await store.close()
  await registry.close()
})

const stored = (): Uint8Array | undefined => registry.blobs.get(identity.digest)
async function* stream(pieces = 7): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < pieces; i++) yield blob.subarray(i * 100_000, (i + 1) * 100_000)
}

describe('putBlob', () => {
  it.each([false, true])('sends bytes in one request (absolute locations: %s)', async (absolute) => {
    await store.close()
    await registry.close()
    await start(absolute)
    const progress: number[] = []
    await store.putBlob(identity, blob, { onProgress: (sent) => progress.push(sent) })
    expect(Buffer.compare(stored() ?? Buffer.alloc(0), blob)).toBe(0)
    expect(progress.at(-1)).toBe(blob.length)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    const put = registry.requests.find(({ method }) => method === 'PUT')
    expect(put?.headers['content-length']).toBe(String(blob.length))
    // The session's own query stays, the digest is added.
    expect(put?.path).toContain(`?state=0&digest=${encodeURIComponent(identity.digest)}`)
  })

  it('sends streams, and empty blobs', async () => {
    await store.putBlob(identity, () => stream())
    expect(stored()).toHaveLength(blob.length)
    const nothing = identityOf(new Uint8Array())
    await store.putBlob(nothing, new Uint8Array())
    expect(registry.blobs.get(nothing.digest)).toHaveLength(0)
  })

  it.each([
    ['another digest', { ...identity, digest: identityOf(blob.subarray(1)).digest }, 'ERR_DIGEST_MISMATCH'],
    ['fewer bytes', { ...identity, size: identity.size + 1 }, 'ERR_SIZE_MISMATCH'],
    ['more bytes', { ...identity, size: identity.size - 1 }, 'ERR_SIZE_MISMATCH'],
  ])('stores nothing when the content has %s', async (_, descriptor, code) => {
    expect(await failureOf(store.putBlob(descriptor, () => stream()))).toMatchObject({ code })
    expect(registry.blobs.size).toBe(0)
    expect(registry.lines().filter((line) => line.startsWith('POST'))).toHaveLength(1)
  })

  it('starts over after a failure that may pass', async () => {
    let failures = 2
    registry.intercept = (request, response) => {
      if (request.method !== 'PUT' || failures-- <= 0) return false
      if (failures === 1) response.destroy()
      else send(response, 503)
      return true
    }
    let opened = 0
    await store.putBlob(identity, () => {
      opened++
      return stream()
    })
    expect(opened).toBe(3)
    expect(stored()).toHaveLength(blob.length)
  })

  it('does not repeat a refusal', async () => {
    registry.intercept = (request, response) => {
      if (request.method !== 'POST') return false
      send(response, 400, {}, errorBody('NAME_INVALID', 'no such name'))
      return true
    }
    expect(await failureOf(store.putBlob(identity, blob))).toMatchObject({
      code: 'ERR_REGISTRY_UPLOAD_REJECTED',
      registryCode: 'NAME_INVALID',
    })
    expect(registry.lines().filter((line) => line.startsWith('POST'))).toHaveLength(1)
  })

  it('passes on what the source of the content throws', async () => {
    const broken = new TypeError('source bug')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield blob.subarray(0, 10)
      throw broken
    }
    await expect(store.putBlob(identity, source)).rejects.toBe(broken)
    let attempts = 0
    const flaky = async function* (): AsyncGenerator<Uint8Array> {
      if (++attempts === 1)
        throw new RegistryError('ERR_REGISTRY_CONNECTION', 'source broke', { retryable: true })
      yield* stream()
    }
    await store.putBlob(identity, flaky)
    expect([attempts, stored()?.length]).toEqual([2, blob.length])
  })

  it('stops with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield blob.subarray(0, 10)
      controller.abort(reason)
      yield blob.subarray(10)
    }
    await expect(store.putBlob(identity, source, { signal: controller.signal })).rejects.toBe(reason)
    expect(registry.blobs.size).toBe(0)
  })

  it('keeps to the registry when its session address names http and another port', async () => {
    registry.intercept = (request, response) => {
      if (request.method !== 'POST') return false
      send(response, 202, { location: 'http://127.0.0.1:1/v2/a/b/blobs/uploads/1' })
      return true
    }
    expect(await failureOf(store.putBlob(identity, blob))).toMatchObject({
      registryCode: 'BLOB_UPLOAD_UNKNOWN',
    })
  })
})

describe('mountBlob', () => {
  it('takes a blob from another repository', async () => {
    registry.blobs.set(identity.digest, blob)
    expect(await store.mountBlob(identity, 'x/y')).toBe(true)
    expect(registry.requests.at(-1)?.path).toBe(
      `/v2/a/b/blobs/uploads/?mount=${encodeURIComponent(identity.digest)}&from=x%2Fy`,
    )
  })

  it('is false, and leaves no session, when the registry would rather have an upload', async () => {
    expect(await store.mountBlob(identity, 'x/y')).toBe(false)
    expect(registry.lines().at(-1)).toMatch(/^DELETE /)
  })

  it('is false when the registry does not know mounts', async () => {
    registry.intercept = (request, response) => request.method === 'POST' && send(response, 405)
    expect(await store.mountBlob(identity, 'x/y')).toBe(false)
  })
})
