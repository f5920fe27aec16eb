// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixedCredentials, type ImageStore, openImageStore } from '../../src/index.ts'
import { formatRange } from '../../src/registry/blob-request.ts'
import { collect, failureOf, identityOf, patternBytes } from '../support/content.ts'
import {
  type MemoryRegistry,
  type SeenRequest,
  send,
  startMemoryRegistry,
} from '../support/memory-registry.ts'

const blob = patternBytes(5_000)
const identity = identityOf(blob)
const range = { offset: 100, length: 50 }
const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`

let registry: MemoryRegistry
let storage: Server
let storageUrl: string
let seen: SeenRequest[]
/** Signatures that object storage still accepts. */
let signature: number
let store: ImageStore

beforeEach(async () => {
  seen = []
  signature = 1
  registry = await startMemoryRegistry()
  storage = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request
    seen.push({ method, path, headers })
    if (path !== `/object?sig=${signature}`) return send(response, 403)
    const [, first, last] = /^bytes=([0-9]+)-([0-9]+)$/.exec(headers.range ?? '') ?? []
    if (first === undefined || last === undefined) return send(response, 200, {}, blob, method === 'HEAD')
    const contentRange = { 'content-range': `bytes ${first}-${last}/${blob.length}` }
    return send(response, 206, contentRange, blob.subarray(Number(first), Number(last) + 1))
  })
  await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve))
  storageUrl = `http://127.0.0.1:${(storage.address() as AddressInfo).port}`
  registry.intercept = (request, response) => {
    if (request.headers.authorization !== basic) {
      send(response, 401, { 'www-authenticate': 'Basic realm="x"' })
      return true
    }
    if (!request.url?.includes('/blobs/')) return false
    send(response, 307, { location: `${storageUrl}/object?sig=${signature}` })
    return true
  }
  store = openImageStore(`${registry.host}/a`, {
    plainHttp: true,
    retries: 0,
    credentials: fixedCredentials({ kind: 'password', username: 'me', password: 'secret' }),
  })
})
afterEach(async () => {
  await store.close()
  await registry.close()
  storage.closeAllConnections()
  storage.close()
})

const askedRegistry = (): number =>
  registry.lines().filter((line) => line.startsWith('GET /v2/a/blobs')).length

describe('redirects to object storage', () => {
  it('are followed without credentials, and remembered', async () => {
    for (let i = 0; i < 3; i++)
      expect(await store.readBlobRange(identity.digest, range)).toEqual(blob.subarray(100, 150))
    expect(askedRegistry()).toBe(1)
    expect(seen).toHaveLength(3)
    for (const { headers } of seen) {
      expect(headers.authorization).toBeUndefined()
      expect(headers.range).toBe('bytes=100-149')
    }
  })

  it('are asked for again when they expired', async () => {
    await store.readBlobRange(identity.digest, range)
    signature = 2
    expect(await store.readBlobRange(identity.digest, range)).toHaveLength(50)
    expect(askedRegistry()).toBe(2)
    expect(seen.map(({ path }) => path)).toEqual(['/object?sig=1', '/object?sig=1', '/object?sig=2'])
  })

  it('are forgotten when storage cannot be reached', async () => {
    await store.readBlobRange(identity.digest, range)
    storage.closeAllConnections()
    await new Promise((resolve) => storage.close(resolve))
    expect(await failureOf(store.readBlobRange(identity.digest, range))).toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
    })
    expect(askedRegistry()).toBe(1)
    await failureOf(store.readBlobRange(identity.digest, range))
    expect(askedRegistry()).toBe(2)
  })

  it('end in an error without the signature when storage refuses a fresh one', async () => {
    signature = 3
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false
      send(response, 307, { location: `${storageUrl}/object?sig=stale` })
      return true
    }
    const error = await failureOf(store.readBlobRange(identity.digest, range))
    expect(error).toMatchObject({
      code: 'ERR_REGISTRY_DENIED',
      details: { url: `${storageUrl}/object?sig=***` },
    })
    expect(error.message).not.toContain('stale')
  })

  it('serve whole blobs and sizes too', async () => {
    expect(Buffer.compare(await collect(store.openBlob(identity)), blob)).toBe(0)
    expect(await store.blobSize(identity.digest)).toBe(blob.length)
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'HEAD'])
  })

  it.each([
    ['no Location', undefined],
    ['a file', 'file:///etc/passwd'],
    ['nonsense', 'http://['],
  ])('with %s are refused', async (_, location) => {
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false
      send(response, 302, location === undefined ? {} : { location })
      return true
    }
    expect(await failureOf(store.readBlobRange(identity.digest, range))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_RESPONSE',
    })
  })

  it('that never end are given up', async () => {
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false
      send(response, 302, { location: request.url })
      return true
    }
    expect(await failureOf(store.readBlobRange(identity.digest, range))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_RESPONSE',
      message: expect.stringContaining('redirects'),
    })
  })
})

describe('formatRange', () => {
  it('is inclusive, and open without a length', () => {
    expect(formatRange({ offset: 10, length: 5 })).toBe('bytes=10-14')
    expect(formatRange({ offset: 10 })).toBe('bytes=10-')
  })
})
