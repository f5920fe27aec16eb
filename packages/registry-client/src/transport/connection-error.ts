// SPDX-License-Identifier: Apache-2.0
/** What the socket, DNS, TLS and undici say, in our words. */
import { isNydusError } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'

const TIMEOUTS = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])
/** The other side does not speak TLS. */
const NOT_TLS = new Set([
  'EPROTO',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
])
const BAD_CERTIFICATE = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])
const NO_ADDRESS = new Set(['ENOTFOUND', 'EAI_AGAIN'])
/** The store was closed. */
const CLOSED = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'])
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'UND_ERR_SOCKET',
])

/** Wraps a failure below HTTP; errors that are ours already pass through. The query of the address is left out. */
export function connectionError(error: unknown, method: string, url: URL): unknown {
  if (isNydusError(error)) return error
  const code = causeCode(error)
  const timeout = code !== undefined && TIMEOUTS.has(code)
  const permanent = code !== undefined && [NOT_TLS, BAD_CERTIFICATE, CLOSED].some((codes) => codes.has(code))
  const hint = connectionHint(code, url)
  // What OpenSSL and the resolver add says nothing that our words do not.
  const isPlain =
    code !== undefined && [NOT_TLS, BAD_CERTIFICATE, NO_ADDRESS].some((codes) => codes.has(code))
  return new RegistryError(
    timeout ? 'ERR_REGISTRY_TIMEOUT' : 'ERR_REGISTRY_CONNECTION',
    `${method} ${url.origin}${url.pathname}: ${timeout ? 'no answer in time' : connectionFailure(code, url)}`,
    {
      ...(isPlain ? {} : { cause: error }),
      retryable: !permanent,
      url: url.href,
      details: { cause: code },
      ...(hint === undefined ? {} : { hint }),
    },
  )
}

/** Tells whether trying http instead of https makes sense after `error`. */
export function suggestsPlainHttp(error: unknown): boolean {
  if (isNydusError(error, 'ERR_REGISTRY_TIMEOUT')) return true
  const code = isNydusError(error, 'ERR_REGISTRY_CONNECTION') ? error.details.cause : undefined
  return typeof code === 'string' && (NOT_TLS.has(code) || UNREACHABLE.has(code))
}

/** Tells whether `hostname` means this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.[0-9.]+$/.test(hostname)
}

function connectionFailure(code: string | undefined, url: URL): string {
  if (code === undefined) return 'the connection broke'
  if (code === 'ECONNREFUSED') return `nothing listens on ${url.host}`
  if (NO_ADDRESS.has(code)) return `no address found for ${url.hostname} (${code})`
  if (BAD_CERTIFICATE.has(code)) return `the TLS certificate of ${url.host} is not trusted (${code})`
  if (NOT_TLS.has(code)) return `${url.host} does not speak TLS (${code})`
  if (CLOSED.has(code)) return 'the store is closed'
  return `the connection broke (${code})`
}

function connectionHint(code: string | undefined, url: URL): string | undefined {
  if (code === undefined) return undefined
  if (NOT_TLS.has(code)) return `if ${url.host} is a registry without TLS, use --plain-http`
  if (BAD_CERTIFICATE.has(code))
    return `if you trust ${url.host} all the same, use --source-insecure or --target-insecure`
  if (NO_ADDRESS.has(code))
    return `is ${url.hostname} written right, and does this machine reach a name server?`
  if (url.protocol === 'http:' && (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET')) {
    return `if ${url.host} speaks TLS, leave out --plain-http`
  }
  if (code !== 'ECONNREFUSED' && code !== 'UND_ERR_SOCKET') return undefined
  if (url.protocol === 'https:' && isLoopback(url.hostname)) {
    return `is the registry running? If it speaks http without TLS, use --plain-http`
  }
  return code === 'ECONNREFUSED' ? `is the registry running on ${url.host}?` : undefined
}

/** The first error code in the chain of causes; an AggregateError counts by its first member. */
function causeCode(error: unknown): string | undefined {
  let current: unknown = error
  for (let depth = 0; depth < 6 && current instanceof Error; depth++) {
    if ('code' in current && typeof current.code === 'string') return current.code
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  return undefined
}
