// SPDX-License-Identifier: Apache-2.0
/** Bearer tokens from a registry's token server. https://distribution.github.io/distribution/spec/auth/token/ */
import { isNydusError } from '@nydus/base/error'
import type { Credentials } from '../credentials/credential-source.ts'
import { loginHint, RegistryError } from '../errors.ts'
import { parseJsonObject } from '../parse-document.ts'
import { basicAuthorization } from './basic-auth.ts'
import { withDeadline } from './deadline.ts'
import { discard, type HttpClient, type HttpRequest, type HttpResponse, readBody } from './http.ts'
import { responseError } from './response-error.ts'

/** What to ask the token server. */
export interface TokenRequest {
  /** The registry the token is for, in messages. */
  readonly registry: string
  readonly realm: string
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
  /** Whether the registry itself is reached without TLS: only then may its token server be. */
  readonly plainHttpAllowed: boolean
}

/** A token and the moment (milliseconds since the epoch) from which it must not be used. */
export interface Token {
  readonly token: string
  readonly expiresAt: number
}

const CLIENT_ID = 'nydus-ts'
const MAX_RESPONSE_BYTES = 1 << 20
/** The specification's value for answers that do not say. */
const DEFAULT_LIFETIME_S = 60
const MAX_LIFETIME_S = 24 * 3600

/** Fetches one token. @throws {RegistryError} ERR_REGISTRY_UNAUTHORIZED when the credentials are refused. */
export async function fetchToken(http: HttpClient, asked: TokenRequest): Promise<Token> {
  const realm = checkRealm(asked)
  const requestedAt = Date.now()
  return withDeadline(http.deadlineMs, undefined, `token server ${realm.host}`, async (signal) => {
    const response = await askServer(http, realm, asked, signal)
    if (response.status !== 200) throw await refused(response, asked)
    const bytes = await readBody(response, MAX_RESPONSE_BYTES, signal)
    return parseToken(bytes ?? new Uint8Array(), realm, requestedAt)
  })
}

async function askServer(
  http: HttpClient,
  realm: URL,
  asked: TokenRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { credentials } = asked
  if (credentials?.kind === 'identity-token') {
    const grant = { grant_type: 'refresh_token', refresh_token: credentials.identityToken }
    return http.exchange(formRequest(realm, asked, grant, signal))
  }
  const response = await http.exchange(queryRequest(realm, asked, credentials, signal))
  const unknownMethod = response.status === 404 || response.status === 405
  if (!unknownMethod || credentials?.kind !== 'password') return response
  await discard(response)
  const { username, password } = credentials
  return http.exchange(formRequest(realm, asked, { grant_type: 'password', username, password }, signal))
}

function queryRequest(
  realm: URL,
  asked: TokenRequest,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): HttpRequest {
  const url = new URL(realm)
  if (asked.service !== undefined) url.searchParams.set('service', asked.service)
  for (const scope of asked.scopes) url.searchParams.append('scope', scope)
  const headers = credentials?.kind === 'password' ? { authorization: basicAuthorization(credentials) } : {}
  return { method: 'GET', url, headers, signal }
}

function formRequest(
  realm: URL,
  asked: TokenRequest,
  grant: Readonly<Record<string, string>>,
  signal: AbortSignal,
): HttpRequest {
  const form = new URLSearchParams(grant)
  form.set('client_id', CLIENT_ID)
  if (asked.service !== undefined) form.set('service', asked.service)
  if (asked.scopes.length > 0) form.set('scope', asked.scopes.join(' '))
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', url: realm, headers, body: form.toString(), signal }
}

function checkRealm(asked: TokenRequest): URL {
  const url = URL.canParse(asked.realm) ? new URL(asked.realm) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && asked.plainHttpAllowed)) return url
  throw new RegistryError(
    'ERR_REGISTRY_BAD_RESPONSE',
    `${asked.registry}: will not ask the token server "${asked.realm.slice(0, 200)}": it is not https`,
    { details: { registry: asked.registry } },
  )
}

function parseToken(bytes: Uint8Array, realm: URL, requestedAt: number): Token {
  const json = parseTokenJson(bytes, realm)
  const token = json.token ?? json.access_token
  if (typeof token !== 'string' || token === '' || /[^\x21-\x7e]/.test(token)) throw badToken(realm)
  const stated = json.expires_in
  const lifetime =
    typeof stated === 'number' && stated > 0 ? Math.min(stated, MAX_LIFETIME_S) : DEFAULT_LIFETIME_S
  // A tenth of its life is left to the request that carries it.
  return { token, expiresAt: requestedAt + lifetime * 900 }
}

function parseTokenJson(bytes: Uint8Array, realm: URL): Record<string, unknown> {
  try {
    return parseJsonObject(bytes, 'token')
  } catch (cause) {
    throw badToken(realm, cause)
  }
}

function badToken(realm: URL, cause?: unknown): RegistryError {
  return new RegistryError(
    'ERR_REGISTRY_BAD_RESPONSE',
    `token server ${realm.host}: the answer has no token`,
    {
      url: realm.href,
      cause,
    },
  )
}

async function refused(response: HttpResponse, asked: TokenRequest): Promise<unknown> {
  const error = await responseError(response, `token server ${response.url.host}`)
  if (!isNydusError(error, 'ERR_REGISTRY_UNAUTHORIZED', 'ERR_REGISTRY_DENIED', 'ERR_REGISTRY_BAD_RESPONSE'))
    return error
  const { registry, credentials } = asked
  const message = credentials
    ? `the credentials for ${registry} are refused`
    : `${registry} wants credentials and there are none`
  return new RegistryError('ERR_REGISTRY_UNAUTHORIZED', message, {
    status: response.status,
    url: response.url.href,
    cause: error,
    details: { registry },
    hint: loginHint(registry),
  })
}
