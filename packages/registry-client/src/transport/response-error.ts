// SPDX-License-Identifier: Apache-2.0
/** Turns a failed response into an error that says what the registry said. */
import { loginHint, RegistryError, type RegistryErrorOptions, statusMeaning } from '../errors.ts'
import { isObject } from '../parse-document.ts'
import { type HttpResponse, header, readBody } from './http.ts'
import { parseRetryAfter } from './retry.ts'

/** Error bodies beyond this are not read. */
const MAX_ERROR_BYTES = 64 << 10
const MAX_MESSAGE_LENGTH = 300

/** Reads (a bounded part of) the body and describes the failure. @param what subject, e.g. `manifest alpine:3`. */
export async function responseError(
  response: HttpResponse,
  what: string,
  options: { readonly hint?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<RegistryError> {
  const body = await readBody(response, MAX_ERROR_BYTES, options.signal).catch(() => undefined)
  options.signal?.throwIfAborted()
  const { registryCode, text } = describeBody(body)
  const upload = response.method !== 'GET' && response.method !== 'HEAD'
  const { code, retryable } = statusMeaning(response.status, upload)
  const retryAfterMs = parseRetryAfter(header(response, 'retry-after'), Date.now())
  const hint = options.hint ?? statusHint(response.status, response.url)
  const extra: RegistryErrorOptions = {
    status: response.status,
    registryCode,
    url: response.url.href,
    retryable,
    details: { method: response.method, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    ...(hint === undefined ? {} : { hint }),
  }
  return new RegistryError(code, `${what}: ${statusText(response)}${text === '' ? '' : `: ${text}`}`, extra)
}

function statusText(response: HttpResponse): string {
  const words: Readonly<Record<number, string>> = {
    401: 'not authorized',
    403: 'access denied',
    404: 'not found',
    416: 'the range is outside of the content, or not supported',
    429: 'too many requests',
  }
  return `${words[response.status] ?? 'unexpected answer'} (${response.url.host} answers ${response.status})`
}

function statusHint(status: number, url: URL): string | undefined {
  if (status === 401) return `${loginHint(url.host)}, or check that the image exists`
  if (status === 403) return `the user logged in at ${url.host} may not do this`
  return undefined
}

/** The first diagnostic of a distribution error document; other text is left out unless it is short. */
function describeBody(body: Uint8Array | undefined): { registryCode?: string; text: string } {
  if (body === undefined || body.length === 0) return { text: '' }
  const content = new TextDecoder().decode(body)
  try {
    const json: unknown = JSON.parse(content)
    const errors: unknown = isObject(json) ? json.errors : undefined
    const first: unknown = Array.isArray(errors) ? errors[0] : json
    if (!isObject(first)) return { text: '' }
    const code = typeof first.code === 'string' ? first.code.slice(0, 100) : undefined
    const message = [first.message, first.details, first.error].find((value) => typeof value === 'string')
    const text = [code, message].filter((part) => part !== undefined && part !== '').join(': ')
    return { ...(code === undefined ? {} : { registryCode: code }), text: text.slice(0, MAX_MESSAGE_LENGTH) }
  } catch {
    const plain = content.trim()
    return { text: plain.startsWith('<') ? '' : plain.replace(/\s+/g, ' ').slice(0, MAX_MESSAGE_LENGTH) }
  }
}
