// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CredentialSource, fixedCredentials, openImageStore } from '../../src/index.ts'
import { failureOf, identityOf, patternBytes } from '../support/content.ts'
import {
  body,
  errorBody,
  type MemoryRegistry,
  send,
  startMemoryRegistry,
} from '../support/memory-registry.ts'

const user = fixedCredentials({ kind: 'password', username: 'me', password: 'p:w' })
const userHeader = `Basic ${Buffer.from('me:p:w').toString('base64')}`
const blob = patternBytes(1000)
const { digest } = identityOf(blob)
const range = { offset: 10, length: 20 }

let registry: MemoryRegistry
beforeEach(async () => {
  registry = await startMemoryRegistry()
  registry.blobs.set(digest, blob)
})
afterEach(() => registry.close())

function open(credentials?: CredentialSource) {
  return openImageStore(`${registry.host}/a/b`, {
    plainHttp: true,
    retries: 0,
    ...(credentials && { credentials }),
  })
}

/** Guards everything but `/token` with the newest token. */
function guard(
  options: { status?: number; answer?: (request: IncomingMessage, response: ServerResponse) => void } = {},
) {
  const state = { token: 'none', issued: 0 }
  registry.intercept = async (request, response) => {
    if (request.url?.startsWith('/token')) {
      if (options.answer) options.answer(request, response)
      else {
        state.token = `t${++state.issued}`
        send(response, 200, {}, JSON.stringify({ token: state.token, expires_in: 3600 }))
      }
      return true
    }
    if (request.headers.authorization === `Bearer ${state.token}`) return false
    const challenge = `Bearer realm="${registry.url}/token",service="svc"`
    send(response, options.status && request.headers.authorization ? options.status : 401, {
      'www-authenticate': challenge,
    })
    return true
  }
  return state
}

describe('Bearer', () => {
  it('asks for one token for all requests of one scope', async () => {
    const state = guard()
    const store = open(user)
    await Promise.all(Array.from({ length: 8 }, () => store.readBlobRange(digest, range)))
    await store.close()
    expect(state.issued).toBe(1)
    const asked = registry.requests.find(({ path }) => path.startsWith('/token'))
    expect(asked?.path).toBe('/token?service=svc&scope=repository%3Aa%2Fb%3Apull')
    expect(asked?.headers.authorization).toBe(userHeader)
  })

  it.each([401, 403])('renews once after %i', async (status) => {
    const state = guard({ status })
    const store = open()
    await store.readBlobRange(digest, range)
    state.token = 'revoked'
    await expect(store.readBlobRange(digest, range)).resolves.toEqual(blob.subarray(10, 30))
    await store.close()
    expect(state.issued).toBe(2)
  })

  it('asks for the scope of writing when it writes, also for the look before', async () => {
    guard()
    const store = open(user)
    await store.putBlob(identityOf(blob.subarray(1)), blob.subarray(1))
    await store.mountBlob(identityOf(blob), 'x/y')
    await store.close()
    const scopes = registry.requests
      .filter(({ path }) => path.startsWith('/token'))
      .map(({ path }) => new URL(path, registry.url).searchParams.getAll('scope'))
    expect(scopes).toEqual([
      ['repository:a/b:pull,push'],
      ['repository:a/b:pull,push', 'repository:x/y:pull'],
    ])
  })

  it('gives up when the new token is refused too', async () => {
    guard({ answer: (_, response) => send(response, 200, {}, '{"access_token":"useless"}') })
    const store = open()
    const error = await failureOf(store.readBlobRange(digest, range))
    await store.close()
    expect(error).toMatchObject({
      code: 'ERR_REGISTRY_UNAUTHORIZED',
      hint: expect.stringContaining(`docker login ${registry.host}`),
    })
    expect(registry.lines().filter((line) => line.includes('/blobs/'))).toHaveLength(2)
  })

  it('exchanges an identity token by POST', async () => {
    let form = ''
    guard({
      answer: async (request, response) => {
        form = `${request.method} ${await body(request)}`
        send(response, 200, {}, '{"token":"none"}')
      },
    })
    const store = open(fixedCredentials({ kind: 'identity-token', identityToken: 'refresh me' }))
    await store.readBlobRange(digest, range)
    await store.close()
    expect(form).toContain('POST grant_type=refresh_token&refresh_token=refresh+me')
    expect(form).toContain('scope=repository%3Aa%2Fb%3Apull')
  })

  it('falls back to the password grant where GET is not known', async () => {
    let form = ''
    guard({
      answer: async (request, response) => {
        if (request.method === 'GET') return send(response, 405)
        form = String(await body(request))
        return send(response, 200, {}, '{"token":"none"}')
      },
    })
    const store = open(user)
    await store.readBlobRange(digest, range)
    await store.close()
    expect(form).toContain('grant_type=password&username=me&password=p%3Aw')
  })

  it('uses a registry token as it is', async () => {
    const state = guard()
    state.token = 'given'
    const store = open(fixedCredentials({ kind: 'registry-token', registryToken: 'given' }))
    await store.readBlobRange(digest, range)
    await store.close()
    expect(state.issued).toBe(0)
  })

  it.each([
    [
      'refused credentials',
      401,
      errorBody('UNAUTHORIZED', 'wrong password'),
      'ERR_REGISTRY_UNAUTHORIZED',
      'are refused',
    ],
    ['no token in the answer', 200, '{"token":5}', 'ERR_REGISTRY_BAD_RESPONSE', 'has no token'],
    ['a token with a line break', 200, '{"token":"a\\nb"}', 'ERR_REGISTRY_BAD_RESPONSE', 'has no token'],
    ['an answer that is not JSON', 200, '<html>', 'ERR_REGISTRY_BAD_RESPONSE', 'has no token'],
    ['a broken token server', 503, '', 'ERR_REGISTRY_UNAVAILABLE', 'token server'],
  ])('reports %s', async (_, status, answer, code, text) => {
    guard({ answer: (_request, response) => send(response, status, {}, answer) })
    const store = open(user)
    const error = await failureOf(store.readBlobRange(digest, range))
    await store.close()
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) })
    expect(JSON.stringify([error.message, error.details, error.hint])).not.toContain('p:w')
  })
})

describe('Basic', () => {
  function guardBasic(): void {
    registry.intercept = (request, response) => {
      if (request.headers.authorization === userHeader) return false
      send(response, 401, { 'www-authenticate': 'Basic realm="x"' })
      return true
    }
  }

  it('sends the credentials after the registry asked, from then on at once', async () => {
    guardBasic()
    const store = open(user)
    await store.readBlobRange(digest, range)
    await store.readBlobRange(digest, range)
    await store.close()
    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      userHeader,
      userHeader,
    ])
  })

  it('says how to log in when there are none', async () => {
    guardBasic()
    const store = open()
    const error = await failureOf(store.readBlobRange(digest, range))
    await store.close()
    expect(error).toMatchObject({
      code: 'ERR_REGISTRY_UNAUTHORIZED',
      status: 401,
      hint: expect.stringContaining('docker login'),
    })
  })

  it('picks up credentials that changed', async () => {
    guardBasic()
    let calls = 0
    const store = open({
      credentialsFor: async () => ({
        kind: 'password',
        username: 'me',
        password: ++calls === 1 ? 'old' : 'p:w',
      }),
    })
    await expect(store.readBlobRange(digest, range)).resolves.toHaveLength(20)
    await store.close()
  })
})
