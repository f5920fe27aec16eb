// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageStore, openImageStore } from '../../src/index.ts'
import { failureOf, identityOf, patternBytes } from '../support/content.ts'
import { body, type MemoryRegistry, send, startMemoryRegistry } from '../support/memory-registry.ts'

const blob = patternBytes(250_000)
const identity = identityOf(blob)
const chunked = { mode: 'chunked', chunkSize: 100_000 } as const
let registry: MemoryRegistry
let store: ImageStore
beforeEach(async () => {
  registry = await startMemoryRegistry()
  store = openImageStore(`${registry.host}/a`, { plainHttp: true, retries: 2 })
})
afterEach(async () => {
  await store.close()
  await registry.close()
})
const ranges = () =>
  registry.requests.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range'])

async function* oddPieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.length; at += 33_333) yield blob.subarray(at, at + 33_333)
}

describe('chunked uploads', () => {
  it('send pieces of the asked size, then commit', async () => {
    const progress: number[] = []
    await store.putBlob(identity, oddPieces, { ...chunked, onProgress: (sent) => progress.push(sent) })
    expect(Buffer.compare(registry.blobs.get(identity.digest) ?? Buffer.alloc(0), blob)).toBe(0)
    expect(ranges()).toEqual(['0-99999', '100000-199999', '200000-249999'])
    expect(progress).toEqual([100_000, 200_000, 250_000])
  })

  it('send a piece again from where the registry stands', async () => {
    let patches = 0
    registry.intercept = (request, response) => {
      if (request.method !== 'PATCH' || ++patches !== 2) return false
      // The piece arrives and is kept, but the answer is lost.
      registry.intercept = undefined
      response.writeHead = () => {
        response.destroy()
        return response
      }
      return false
    }
    await store.putBlob(identity, blob, chunked)
    expect(registry.blobs.get(identity.digest)).toHaveLength(blob.length)
    expect(ranges()).toEqual(['0-99999', '100000-199999', '200000-249999'])
    expect(registry.lines().some((line) => line.startsWith('GET /v2/a/blobs/uploads/'))).toBe(true)
  })

  it('send a lost piece again', async () => {
    let patches = 0
    registry.intercept = async (request, response) => {
      if (request.method !== 'PATCH' || ++patches !== 2) return false
      await body(request)
      send(response, 502)
      return true
    }
    await store.putBlob(identity, blob, chunked)
    expect(ranges()).toEqual(['0-99999', '100000-199999', '100000-199999', '200000-249999'])
    expect(registry.blobs.get(identity.digest)).toHaveLength(blob.length)
  })

  it('fail when the registry lost the session', async () => {
    registry.intercept = (request, response) => {
      if (request.method === 'PATCH') send(response, 500)
      else if (request.method === 'GET' && request.url?.includes('/uploads/')) send(response, 404)
      else return false
      return true
    }
    expect(await failureOf(store.putBlob(identity, blob, chunked))).toMatchObject({
      code: 'ERR_REGISTRY_UPLOAD_REJECTED',
    })
  })

  it('obey the smallest piece that the registry takes', async () => {
    registry.intercept = (request, response) => {
      if (request.method === 'POST') response.setHeader('oci-chunk-min-length', '200000')
      return false
    }
    await store.putBlob(identity, blob, chunked)
    expect(ranges()).toEqual(['0-199999', '200000-249999'])
  })

  it('do not commit content that is not what its digest says', async () => {
    const wrong = { ...identity, digest: identityOf(blob.subarray(1)).digest }
    expect(await failureOf(store.putBlob(wrong, blob, chunked))).toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
    })
    expect(registry.lines().some((line) => line.startsWith('PUT'))).toBe(false)
  })
})
