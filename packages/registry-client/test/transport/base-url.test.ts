// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { openImageStore } from '../../src/index.ts'
import { failureOf, identityOf, patternBytes } from '../support/content.ts'
import { type MemoryRegistry, startMemoryRegistry } from '../support/memory-registry.ts'
import { createSelfSigned } from '../support/self-signed.ts'

const blob = patternBytes(100)
let registry: MemoryRegistry | undefined
afterEach(() => registry?.close())

async function start(tls: boolean): Promise<MemoryRegistry> {
  registry = await startMemoryRegistry(tls ? { tls: createSelfSigned() } : {})
  registry.blobs.set(identityOf(blob).digest, blob)
  return registry
}

async function has(host: string, options: { plainHttp?: boolean; insecure?: boolean }): Promise<boolean> {
  const store = openImageStore(`${host}/a`, { retries: 0, ...options })
  try {
    return await store.hasBlob(identityOf(blob))
  } finally {
    await store.close()
  }
}

describe('first contact', () => {
  it('does not trust a self-signed certificate, unless told to', async () => {
    const { host } = await start(true)
    expect(await failureOf(has(host, {}))).toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
      retryable: false,
      hint: expect.stringContaining('--source-insecure'),
    })
    expect(await has(host, { insecure: true })).toBe(true)
  })

  it('speaks http only when asked or when insecure, even to this machine', async () => {
    const { host } = await start(false)
    expect(await failureOf(has(host, {}))).toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
      hint: expect.stringContaining('--plain-http'),
    })
    expect(await has(host, { plainHttp: true })).toBe(true)
    expect(await has(host, { insecure: true })).toBe(true)
  })

  it('does not put TLS on the wire with plainHttp', async () => {
    const { host } = await start(true)
    const error = await failureOf(has(host, { plainHttp: true }))
    expect(error.code).toMatch(/^ERR_REGISTRY_/)
  })

  it('tells what to do when nothing listens', async () => {
    const host = await unusedHost()
    const error = await failureOf(has(host, {}))
    expect(error).toMatchObject({
      code: 'ERR_REGISTRY_CONNECTION',
      retryable: true,
      message: expect.stringContaining(`nothing listens on ${host}`),
      hint: expect.stringContaining('--plain-http'),
    })
    expect(await failureOf(has(host, { insecure: true }))).toMatchObject({ code: 'ERR_REGISTRY_CONNECTION' })
  })

  it('is made once for concurrent requests', async () => {
    const { host, requests } = await start(false)
    const store = openImageStore(`${host}/a`, { plainHttp: true })
    await Promise.all([1, 2, 3, 4].map(() => store.hasBlob(identityOf(blob))))
    await store.close()
    expect(requests.filter(({ path }) => path === '/v2/')).toHaveLength(1)
    expect(requests[0]?.headers['user-agent']).toMatch(/^nydus-ts\/[0-9]/)
  })

  it('ends at the deadline when the other side says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const store = openImageStore(`127.0.0.1:${port}/a`, { plainHttp: true, retries: 0, deadlineMs: 50 })
    expect(await failureOf(store.resolve())).toMatchObject({ code: 'ERR_REGISTRY_TIMEOUT', retryable: true })
    await store.close()
    silent.close()
  })

  it('passes the reason of an abort on', async () => {
    const { host } = await start(false)
    const store = openImageStore(`${host}/a`, { plainHttp: true })
    const reason = new Error('not any more')
    await expect(store.resolve(AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    if (registry) {
      registry.intercept = () => {
        controller.abort(reason)
        return true
      }
    }
    await expect(store.resolve(controller.signal)).rejects.toBe(reason)
    await store.close()
  })
})

/** A loopback port that was free a moment ago. */
async function unusedHost(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}
