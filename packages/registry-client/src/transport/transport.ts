// SPDX-License-Identifier: Apache-2.0
/** Requests to one registry: first contact, authorization renewed once, redirects. Retries are the caller's. */
import type { CredentialSource } from '../credentials/credential-source.ts'
import { RegistryError } from '../errors.ts'
import type { StoreOptions } from '../image-store.ts'
import { VERSION } from '../version.ts'
import { createAuthorizer } from './authorizer.ts'
import { allowsPlainHttp, findBase, type RegistryBase } from './base-url.ts'
import { waitFor } from './deadline.ts'
import { createHttpClient, discard, type HttpRequest, type HttpResponse, header } from './http.ts'
import { isRedirect, MAX_REDIRECTS, redirectTarget } from './redirect.ts'
import { DEFAULT_RETRY_POLICY, retrying } from './retry.ts'

/** A request to the registry. */
export interface RegistryRequest extends Omit<HttpRequest, 'url'> {
  /** Path below the registry's root, e.g. `v2/library/alpine/manifests/latest`, or a full address. */
  readonly target: string | URL
  /** Token scopes, e.g. `repository:library/alpine:pull`. */
  readonly scopes: readonly string[]
  /** `manual` returns redirects instead of following them. */
  readonly redirect?: 'follow' | 'manual'
}

/** The way to one registry. */
export interface Transport {
  /** Sends a request. Any status but a followed redirect is a result. Credentials go to the registry's own origin only. */
  send(request: RegistryRequest): Promise<HttpResponse>
  /** Runs `attempt` with the store's retry policy. */
  retrying<T>(signal: AbortSignal | undefined, attempt: (number: number) => Promise<T>): Promise<T>
  /** The registry's root and whether plain http is acceptable around it. */
  base(signal: AbortSignal | undefined): Promise<{ readonly url: URL; readonly plainHttpAllowed: boolean }>
  /** Milliseconds without progress before a request fails. */
  readonly deadlineMs: number
  close(): Promise<void>
}

const DEFAULT_DEADLINE_MS = 30_000

/** Makes the transport of `registry` (host, or host:port). No connection is made before the first request. */
export function createTransport(registry: string, options: StoreOptions): Transport {
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  const schemes = { plainHttp: options.plainHttp ?? false, insecure: options.insecure ?? false }
  const http = createHttpClient({
    deadlineMs,
    userAgent: options.userAgent ?? `nydus-ts/${VERSION}`,
    insecure: schemes.insecure,
  })
  const policy = { ...DEFAULT_RETRY_POLICY, retries: options.retries ?? DEFAULT_RETRY_POLICY.retries }
  let known: RegistryBase | undefined
  let contact: Promise<RegistryBase> | undefined
  const authorizer = createAuthorizer({
    http,
    registry,
    credentials: options.credentials satisfies CredentialSource | undefined,
    plainHttpAllowed: () => known !== undefined && allowsPlainHttp(known.url, schemes),
  })

  async function reach(signal: AbortSignal | undefined): Promise<RegistryBase> {
    if (known !== undefined) return known
    contact ??= findBase(http, registry, schemes, {})
      .then((base) => {
        authorizer.learn(base.challenge)
        known = base
        return base
      })
      .finally(() => {
        contact = undefined
      })
    contact.catch(() => {})
    return waitFor(contact, signal)
  }

  /** Sends to the registry's own origin; a 401 or 403 is answered once with fresh authorization. */
  async function sendAuthorized(request: RegistryRequest, url: URL): Promise<HttpResponse> {
    const { scopes, signal } = request
    const first = await authorizer.authorize(scopes, signal)
    const response = await http.exchange(withAuthorization(request, url, first))
    if (response.status !== 401 && response.status !== 403) return response
    authorizer.learn(header(response, 'www-authenticate'))
    const renewed = await authorizer.renew(scopes, first, signal)
    if (renewed === undefined) return response
    await discard(response)
    return http.exchange(withAuthorization(request, url, renewed))
  }

  async function send(request: RegistryRequest): Promise<HttpResponse> {
    const base = await reach(request.signal)
    let url = typeof request.target === 'string' ? new URL(request.target, base.url) : request.target
    let method = request.method
    for (let hops = 0; ; hops++) {
      const current = { ...request, method }
      const response =
        url.origin === base.url.origin
          ? await sendAuthorized(current, url)
          : await http.exchange(withAuthorization(current, url, undefined))
      if (request.redirect === 'manual' || !isRedirect(response)) return response
      await discard(response)
      if (hops >= MAX_REDIRECTS) throw tooManyRedirects(url)
      url = redirectTarget(response, allowsPlainHttp(base.url, schemes))
      if (response.status === 303 && method !== 'HEAD') method = 'GET'
    }
  }

  return {
    send,
    retrying: (signal, attempt) => retrying(policy, signal, attempt),
    async base(signal) {
      const { url } = await reach(signal)
      return { url, plainHttpAllowed: allowsPlainHttp(url, schemes) }
    },
    deadlineMs,
    close: () => http.close(),
  }
}

function withAuthorization(
  request: RegistryRequest,
  url: URL,
  authorization: string | undefined,
): HttpRequest {
  const headers = authorization === undefined ? request.headers : { ...request.headers, authorization }
  return {
    method: request.method,
    url,
    ...(headers === undefined ? {} : { headers }),
    body: request.body,
    signal: request.signal,
    headersTimeoutMs: request.headersTimeoutMs,
  }
}

function tooManyRedirects(url: URL): RegistryError {
  return new RegistryError(
    'ERR_REGISTRY_BAD_RESPONSE',
    `more than ${MAX_REDIRECTS} redirects, the last to ${url.host}`,
    {
      url: url.href,
    },
  )
}
