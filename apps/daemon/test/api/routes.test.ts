// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import type { ApiPorts } from '../../src/api/api-ports.ts'
import { answer } from '../../src/api/routes.ts'
import { recorded } from '../recorded-api.ts'
import { mountedImage, testPorts } from './ports.ts'

const IMAGES = new URL('../../../../fixtures/api/image/', import.meta.url)
const v6 = openBootstrap(readFileSync(new URL('v6.boot', IMAGES)))

interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

function send(ports: ApiPorts, { method, path, body }: Call) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return answer({ method, target: path, body: text ?? '' }, ports)
}

/** Where the answers of this daemon differ on purpose. */
function isOurOwn({ method, path, body }: Call): boolean {
  // A secret is not shown; nothing pretends that blobs of the kernel's cache were removed.
  const showsSecret = method === 'GET' && path.startsWith('/api/v1/config')
  return method === 'OPTIONS' || showsSecret || (path.startsWith('/api/v2/blobs') && body === undefined)
}

describe('the recorded requests', () => {
  it.each(['routes-and-methods', 'dedicated-running'])('of %s get the recorded answers', async (scenario) => {
    const ports = testPorts([mountedImage('/', v6)])
    let compared = 0
    for (const { request, response } of recorded(scenario)) {
      if (request === undefined || response === undefined || isOurOwn(request)) continue
      const reply = await send(ports, request)
      const name = `${request.method} ${request.path} ${JSON.stringify(request.body)}`
      expect(reply.status, name).toBe(response.status)
      if (response.status === 200) expect(shapeOf(reply.body, 1), name).toEqual(shapeOf(response.body, 1))
      else expect(messageOf(reply.body), name).toBe(messageOf(response.body))
      compared += 1
    }
    expect(compared).toBeGreaterThan(30)
  })

  it('for the superblock get every value', async () => {
    const golden = recorded('dedicated-running').find(
      ({ request, response }) =>
        request?.path.startsWith('/api/v1/daemon/backend?') === true && response?.status === 200,
    )
    const path = '/api/v1/daemon/backend?mountpoint=/'
    const reply = await send(testPorts([mountedImage('/', v6)]), { method: 'GET', path })
    expect(reply.body).toEqual(golden?.response?.body)
  })
})

/** Serde's words for what is wrong with a body are not ours. */
function messageOf(body: unknown): string | undefined {
  const message = (body as { readonly message?: string } | undefined)?.message
  return message?.startsWith('ParseBody') === true ? 'ParseBody' : message
}

/** Names of members, some levels deep, in order; lists are recorded by their length only. */
function shapeOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).map(([name, member]) => [
    name,
    depth > 0 ? shapeOf(member, depth - 1) : undefined,
  ])
}

describe('an id', () => {
  const two = testPorts([mountedImage('/a', v6), mountedImage('/b', v6)])

  it('is needed where there are several images', async () => {
    expect(await send(two, { method: 'GET', path: '/api/v1/metrics' })).toMatchObject({
      status: 404,
      body: { message: 'GlobalMetrics(Metrics(Stats(NoCounter)))' },
    })
    const { body } = await send(two, { method: 'GET', path: '/api/v1/metrics?id=%2Fb' })
    expect(body).toMatchObject({ id: '/b' })
  })

  it('names files of the cache for their owner to delete', async () => {
    const { body } = await send(two, { method: 'GET', path: '/api/v1/metrics/blobcache?id=/a' })
    expect(body).toMatchObject({
      underlying_files: v6.blobs.map(({ blobId }) => `${blobId}.blob.data`),
      store_path: '/blobs',
    })
  })
})

describe('settings', () => {
  it('are changed for one image, told of, and no secret is shown', async () => {
    const told: string[] = []
    const ports = testPorts([], { onSettings: (id) => told.push(id) })
    const body = { registry_auth: 'dXNlcjpzZWNyZXQ=', proxy_url: 'http://p' }
    expect(await send(ports, { method: 'PUT', path: '/api/v1/config?id=/a', body })).toEqual({ status: 204 })
    expect(told).toEqual(['/a'])
    expect(ports.settings.get('/a')).toEqual(body)
    const shown = await send(ports, { method: 'GET', path: '/api/v1/config' })
    expect(shown.body).toEqual({ '/a:proxy_url': 'http://p', '/a:registry_auth': '***' })
  })

  it('are left as they were by a request with a key that is not known', async () => {
    const ports = testPorts([])
    const body = { proxy_url: 'http://p', other: 'x' }
    expect((await send(ports, { method: 'PUT', path: '/api/v1/config?id=/a', body })).status).toBe(500)
    expect(ports.settings.get('/a')).toEqual({})
  })
})

describe('the way to another daemon', () => {
  const call = (path: string, overrides: Partial<ApiPorts>) =>
    send(testPorts([], overrides), { method: 'PUT', path: `/api/v1/daemon/${path}` })

  it.each([
    ['start', 'INIT', undefined, 500],
    ['start', 'RUNNING', undefined, 400],
    ['fuse/sendfd', 'INIT', undefined, 503],
    ['fuse/sendfd', 'RUNNING', undefined, 500],
    ['fuse/sendfd', 'RUNNING', '/s', 501],
    ['fuse/takeover', 'RUNNING', undefined, 400],
    ['fuse/takeover', 'INIT', undefined, 500],
    ['fuse/takeover', 'INIT', '/s', 501],
  ] as const)('%s in %s with supervisor %s is %d', async (path, state, supervisor, status) => {
    expect((await call(path, { state: () => state, supervisor })).status).toBe(status)
  })

  it('exit ends the daemon after the reply', async () => {
    const exits: string[] = []
    const reply = await call('exit', { exit: () => void exits.push('exit') })
    expect([reply.status, exits]).toEqual([204, []])
    reply.after?.()
    expect(exits).toEqual(['exit'])
  })
})

describe('what the original does not have', () => {
  it('GET /metrics is Prometheus exposition', async () => {
    const { text } = await send(testPorts([mountedImage('/a', v6)]), { method: 'GET', path: '/metrics' })
    expect(text?.type).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text?.content).toMatch(/^nydusd_read_bytes_total\{mountpoint="\/a",plane="fuse"\} 0$/m)
    expect(text?.content).toMatch(/^nydusd_backend_reads_total\{.*backend="localfs"\} 0$/m)
  })

  it('GET /api/v1/daemon/health tells whether it serves', async () => {
    const path = '/api/v1/daemon/health'
    const ports = testPorts([mountedImage('/a', v6)])
    expect(await send(ports, { method: 'GET', path })).toMatchObject({
      status: 200,
      body: { status: 'ok', mounts: [{ mountpoint: '/a', data_plane: 'fuse' }] },
    })
    const early = await send(testPorts([], { state: () => 'INIT' }), { method: 'GET', path })
    expect(early).toMatchObject({ status: 503, body: { status: 'unavailable' } })
  })
})

describe('PUT /api/v1/daemon', () => {
  it.each([
    ['DEBUG', 'debug'],
    ['off', 'silent'],
  ])('changes the log level to %s', async (given, expected) => {
    const levels: string[] = []
    const ports = testPorts([], { setLogLevel: (level) => levels.push(level) })
    expect(await send(ports, { method: 'PUT', path: '/api/v1/daemon', body: { log_level: given } })).toEqual({
      status: 204,
    })
    expect(levels).toEqual([expected])
  })
})
