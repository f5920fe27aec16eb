// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto'
import { request } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { type RegistryOptions, startRegistry, type TestRegistry } from '../../src/registry/start-registry.ts'

let registry: TestRegistry
const open = async (options?: RegistryOptions) => {
  registry = await startRegistry(options)
  return registry
}
afterEach(() => registry.close())

const sha256 = (content: Uint8Array) => `sha256:${hash('sha256', content, 'hex')}`
const DIGITS = Buffer.from('0123456789')
const digits = `/v2/a/b/blobs/${sha256(DIGITS)}`
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${registry.url}${path}`, { headers, redirect: 'manual' })

/** Follows the locations that the registry gives: POST, a PATCH for each piece, PUT. */
async function push(
  pieces: readonly Uint8Array[],
  digest = sha256(Buffer.concat(pieces)),
): Promise<Response> {
  let answer = await fetch(`${registry.url}/v2/a/b/blobs/uploads/`, { method: 'POST' })
  let at = 0
  for (const piece of pieces) {
    const headers = { 'content-range': `${at}-${at + piece.length - 1}` }
    const location = `${registry.url}${answer.headers.get('location')}`
    answer = await fetch(location, { method: 'PATCH', headers, body: Buffer.from(piece) })
    at += piece.length
    expect(answer.headers.get('range')).toBe(`0-${at - 1}`)
  }
  return fetch(`${registry.url}${answer.headers.get('location')}&digest=${digest}`, { method: 'PUT' })
}

describe('blobs', () => {
  it('gives whole blobs and ranges of them, counted', async () => {
    await open()
    registry.putBlob('a/b', DIGITS)
    expect(await (await get(digits)).text()).toBe('0123456789')
    const range = await get(digits, { range: 'bytes=2-4' })
    expect([range.status, range.headers.get('content-range')]).toEqual([206, 'bytes 2-4/10'])
    expect(await range.text()).toBe('234')
    expect(await (await get(digits, { range: 'bytes=-3' })).text()).toBe('789')
    expect((await get(digits, { range: 'bytes=10-' })).status).toBe(416)
    expect(registry.bytesServed((request) => request.range === 'bytes=2-4')).toBe(3)
    expect(registry.requests[0]).toMatchObject({
      kind: 'blob',
      repository: 'a/b',
      status: 200,
      bytesServed: 10,
    })
  })

  it('shows a blob only to the repositories it was pushed to', async () => {
    await open()
    registry.putBlob('a/b', DIGITS)
    expect((await get(digits.replace('a/b', 'a/c'))).status).toBe(404)
    const mount = `${registry.url}/v2/a/c/blobs/uploads/?mount=${sha256(DIGITS)}&from=a/b`
    expect((await fetch(mount, { method: 'POST' })).status).toBe(201)
    expect((await get(digits.replace('a/b', 'a/c'))).status).toBe(200)
  })

  it('keeps large uploads in files and gives the same bytes', async () => {
    await open({ memoryBytes: 1000 })
    const content = Buffer.alloc(600_000, 'spooled ')
    expect((await push([content.subarray(0, 900), content.subarray(900)])).status).toBe(201)
    expect(registry.blob(sha256(content)).equals(content)).toBe(true)
  })

  it('sends redirects to an origin that refuses the registry’s credentials', async () => {
    await open({ redirectBlobs: true })
    registry.putBlob('a/b', DIGITS)
    const redirect = await get(digits)
    expect(redirect.status).toBe(307)
    const location = redirect.headers.get('location') ?? ''
    expect(new URL(location).origin).not.toBe(registry.url)
    expect(await (await fetch(location)).text()).toBe('0123456789')
    expect((await fetch(location, { headers: { authorization: 'Bearer x' } })).status).toBe(400)
    expect((await fetch(location.replace(/signature=./, 'signature=!'))).status).toBe(403)
  })
})

describe('uploads', () => {
  it('takes chunks in order and refuses others', async () => {
    await open()
    expect((await push([DIGITS.subarray(0, 4), DIGITS.subarray(4)])).status).toBe(201)
    const started = await fetch(`${registry.url}/v2/a/b/blobs/uploads/`, { method: 'POST' })
    const location = `${registry.url}${started.headers.get('location')}`
    const gap = await fetch(location, { method: 'PATCH', headers: { 'content-range': '5-9' }, body: 'abcde' })
    expect(gap.status).toBe(416)
    expect(registry.openUploads).toBe(1)
  })

  it('refuses a location that is not the last one', async () => {
    await open()
    const started = await fetch(`${registry.url}/v2/a/b/blobs/uploads/`, { method: 'POST' })
    const location = `${registry.url}${started.headers.get('location')}`
    expect((await fetch(location, { method: 'PATCH', body: 'a' })).status).toBe(202)
    expect((await fetch(location, { method: 'PATCH', body: 'b' })).status).toBe(400)
  })

  it('refuses content with another digest and keeps nothing of it', async () => {
    await open()
    const other = sha256(Buffer.from('other'))
    expect((await push([DIGITS], other)).status).toBe(400)
    expect(registry.hasBlob('a/b', other)).toBe(false)
    expect(registry.openUploads).toBe(0)
  })
})

describe('manifests', () => {
  const put = (tag: string, document: object) =>
    fetch(`${registry.url}/v2/a/b/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
      body: JSON.stringify(document),
    })

  it('are found by tag and by digest, and named by both', async () => {
    await open()
    const config = registry.putBlob('a/b', DIGITS)
    const answer = await put('v1', { config, layers: [] })
    expect(answer.status).toBe(201)
    const digest = answer.headers.get('docker-content-digest') ?? ''
    const byTag = await get('/v2/a/b/manifests/v1')
    expect(byTag.headers.get('content-type')).toBe('application/vnd.oci.image.manifest.v1+json')
    expect(await (await get(`/v2/a/b/manifests/${digest}`)).text()).toBe(await byTag.text())
    expect(await (await get('/v2/a/b/tags/list')).json()).toEqual({ name: 'a/b', tags: ['v1'] })
  })

  it('are refused while something they name is missing', async () => {
    await open()
    const missing = { digest: sha256(DIGITS), size: 10 }
    expect((await put('v1', { config: missing, layers: [] })).status).toBe(400)
    expect((await put('v1', { manifests: [missing] })).status).toBe(400)
    expect(registry.tags('a/b')).toEqual([])
  })
})

describe('faults', () => {
  it('hit the requests they name, as often as they say, in order', async () => {
    await open()
    registry.putBlob('a/b', DIGITS)
    const on = { method: 'GET', kind: 'blob' } as const
    registry.faults.add(
      { on, action: { do: 'status', status: 503 } },
      { on, times: 2, action: { do: 'rate-limit', retryAfterSeconds: 7 } },
      { on, action: { do: 'corrupt', atByte: 3 } },
      { on, skip: 1, action: { do: 'ignore-range' } },
    )
    expect((await fetch(`${registry.url}${digits}`, { method: 'HEAD' })).status).toBe(200)
    expect((await get(digits)).status).toBe(503)
    const limited = await get(digits)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7'])
    expect((await get(digits)).status).toBe(429)
    expect(await (await get(digits)).text()).toBe('0122456789')
    expect((await get(digits, { range: 'bytes=0-1' })).status).toBe(206)
    expect((await get(digits, { range: 'bytes=0-1' })).status).toBe(200)
    expect(registry.faults.pending).toEqual([])
    expect(registry.requests.map((request) => request.fault)).toContain('rate-limit')
  })

  it('cut, stall and drop connections', async () => {
    await open()
    registry.putBlob('a/b', Buffer.alloc(1 << 20))
    const url = `${registry.url}/v2/a/b/blobs/${sha256(Buffer.alloc(1 << 20))}`
    registry.faults.add(
      { action: { do: 'drop' } },
      { action: { do: 'cut', afterBytes: 300_000 } },
      { action: { do: 'stall', afterBytes: 300_000, forMs: 1 } },
      { action: { do: 'stall' } },
    )
    await expect(fetch(url)).rejects.toThrow()
    await expect(fetch(url).then((answer) => answer.arrayBuffer())).rejects.toThrow()
    expect(registry.requests[1]?.bytesServed).toBe(300_000)
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(1 << 20)
    await expect(fetch(url, { signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout')
    expect(registry.requests[3]?.bytesServed).toBe(0)
  })

  it('lie about ranges', async () => {
    await open()
    registry.putBlob('a/b', DIGITS)
    registry.fault({ action: { do: 'shift-range', byBytes: 1 } })
    const answer = await get(digits, { range: 'bytes=2-4' })
    expect([answer.headers.get('content-range'), await answer.text()]).toEqual(['bytes 3-5/10', '345'])
  })
})

describe('authentication', () => {
  const basic = `Basic ${Buffer.from('u:p').toString('base64')}`

  it('asks for a password', async () => {
    await open({ auth: { scheme: 'basic', username: 'u', password: 'p' } })
    const refused = await get('/v2/')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="test registry"',
    ])
    expect((await get('/v2/', { authorization: basic })).status).toBe(200)
  })

  it('gives tokens for a scope, and takes them until they expire', async () => {
    await open({ auth: { scheme: 'bearer', username: 'u', password: 'p' } })
    registry.putBlob('a/b', DIGITS)
    const refused = await get(digits)
    expect(refused.headers.get('www-authenticate')).toContain('scope="repository:a/b:pull"')
    expect((await get('/token?scope=repository:a/b:pull')).status).toBe(401)
    const answer = await get('/token?scope=repository:a/b:pull', { authorization: basic })
    const { token } = (await answer.json()) as { token: string }
    const authorization = `Bearer ${token}`
    expect((await get(digits, { authorization })).status).toBe(200)
    expect((await get('/v2/a/c/tags/list', { authorization })).status).toBe(401)
    const upload = { method: 'POST', headers: { authorization } }
    expect((await fetch(`${registry.url}/v2/a/b/blobs/uploads/`, upload)).status).toBe(401)
    registry.fault({ action: { do: 'expire-tokens' } })
    expect((await get(digits, { authorization })).status).toBe(401)
  })

  it('gives tokens for a refresh token', async () => {
    await open({ auth: { scheme: 'bearer', username: 'u', password: 'p', refreshToken: 'r' } })
    const ask = (refresh: string) =>
      fetch(`${registry.url}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: refresh,
          scope: 'repository:a/b:pull',
        }),
      })
    expect((await ask('other')).status).toBe(401)
    const { access_token } = (await (await ask('r')).json()) as { access_token: string }
    expect((await get('/v2/', { authorization: `Bearer ${access_token}` })).status).toBe(200)
  })
})

describe('tls', () => {
  it('serves a certificate that verifies against itself and not without', async () => {
    await open({ tls: true })
    const ask = (ca?: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${registry.url}/v2/`, { ca, agent: false }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
        asked.on('error', reject)
        asked.end()
      })
    await expect(ask()).rejects.toThrow(/self-signed/)
    expect(await ask(registry.certificate)).toBe(200)
  })
})
