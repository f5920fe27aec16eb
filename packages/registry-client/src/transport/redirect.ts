// SPDX-License-Identifier: Apache-2.0
/** Redirects: followed by hand, because credentials must not travel to another origin. */
import { RegistryError } from '../errors.ts'
import { type HttpResponse, header } from './http.ts'

/** Longest chain that is followed. */
export const MAX_REDIRECTS = 5

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308])

/** Tells whether the response is a redirect. */
export function isRedirect(response: HttpResponse): boolean {
  return REDIRECT_STATUSES.has(response.status)
}

/**
 * Where a response points to.
 * @param plainHttpAllowed whether an https address may point to an http one.
 * @throws {RegistryError} ERR_REGISTRY_BAD_RESPONSE when there is no usable Location.
 */
export function redirectTarget(response: HttpResponse, plainHttpAllowed: boolean): URL {
  const location = header(response, 'location')
  const target =
    location !== undefined && URL.canParse(location, response.url.href)
      ? new URL(location, response.url)
      : undefined
  const safe = target?.protocol === 'https:' || (target?.protocol === 'http:' && plainHttpAllowed)
  if (target === undefined || !safe) {
    throw new RegistryError(
      'ERR_REGISTRY_BAD_RESPONSE',
      `${response.url.host} points to "${(location ?? '').slice(0, 100)}", which is no address that can be used`,
      { status: response.status, url: response.url.href },
    )
  }
  target.username = ''
  target.password = ''
  target.hash = ''
  return target
}

/**
 * The address of an upload session. A registry behind a proxy that ends TLS often names itself with http:
 * an address on the registry's own host is always used with the registry's own scheme and port.
 */
export function uploadLocation(response: HttpResponse, base: URL, plainHttpAllowed: boolean): URL {
  const target = redirectTarget(response, true)
  if (target.hostname === base.hostname) {
    target.protocol = base.protocol
    target.port = base.port
    return target
  }
  return redirectTarget(response, plainHttpAllowed)
}
