// SPDX-License-Identifier: Apache-2.0
/** Finds out how a registry is reached: https or http, and which authorization it wants. */
import type { CallOptions } from '../image-store.ts'
import { isLoopback, suggestsPlainHttp } from './connection-error.ts'
import { discard, type HttpClient, header } from './http.ts'

/** What the first contact tells. */
export interface RegistryBase {
  /** `https://host/` or `http://host/`. */
  readonly url: URL
  /** WWW-Authenticate header, when the registry asked for authorization. */
  readonly challenge: string | undefined
}

/** Which schemes may be used. */
export interface SchemeOptions {
  readonly plainHttp: boolean
  readonly insecure: boolean
}

/**
 * Asks `/v2/` over https, then (only if `insecure`) over http when the other side does not speak TLS or does not answer.
 * Any HTTP answer counts: what a registry says to `/v2/` varies.
 */
export async function findBase(
  http: HttpClient,
  registry: string,
  options: SchemeOptions,
  { signal }: CallOptions,
): Promise<RegistryBase> {
  if (options.plainHttp) return ping(http, new URL(`http://${registry}/`), signal)
  const secure = new URL(`https://${registry}/`)
  if (!options.insecure) return ping(http, secure, signal)
  try {
    return await ping(http, secure, signal)
  } catch (error) {
    if (!suggestsPlainHttp(error)) throw error
    try {
      return await ping(http, new URL(`http://${registry}/`), signal)
    } catch {
      signal?.throwIfAborted()
      throw error
    }
  }
}

/** Tells whether answers of this registry's neighbours (token server, redirects) may come over plain http. */
export function allowsPlainHttp(base: URL, options: SchemeOptions): boolean {
  return base.protocol === 'http:' || options.insecure || isLoopback(base.hostname)
}

async function ping(http: HttpClient, base: URL, signal: AbortSignal | undefined): Promise<RegistryBase> {
  const response = await http.exchange({ method: 'GET', url: new URL('v2/', base), signal })
  await discard(response)
  return { url: base, challenge: response.status === 401 ? header(response, 'www-authenticate') : undefined }
}
