// SPDX-License-Identifier: Apache-2.0
/** One HTTP exchange: undici with an agent of its own, deadlines, and errors in our words. */
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { Agent, type Dispatcher, request } from 'undici'
import { connectionError } from './connection-error.ts'

/** Methods that the client uses. */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A request body. Factories are called once for each time the request is sent. */
export type Body = Uint8Array | string | (() => AsyncIterable<Uint8Array>)

/** One request as it goes out. */
export interface HttpRequest {
  readonly method: Method
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Body | undefined
  readonly signal?: AbortSignal | undefined
  /** Replaces the client's deadline for the response headers, for requests whose body takes long to arrive or to check. */
  readonly headersTimeoutMs?: number | undefined
}

/** A response whose body has not been read. Whoever receives it reads the body or calls `discard`. */
export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly url: URL
  readonly method: Method
  readonly body: Dispatcher.ResponseData['body']
}

/** What a client is made with. */
export interface HttpClientOptions {
  readonly deadlineMs: number
  readonly userAgent: string
  /** Accept any certificate. */
  readonly insecure: boolean
}

/** Sends requests; owns its connections. */
export interface HttpClient {
  readonly deadlineMs: number
  exchange(request: HttpRequest): Promise<HttpResponse>
  close(): Promise<void>
}

const MAX_CONNECT_TIMEOUT_MS = 10_000
/** Bodies go out in pieces of this size, so that a slow line makes visible progress. */
const PIECE_BYTES = 256 << 10

/** Makes a client with an agent of its own. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { deadlineMs, userAgent } = options
  const agent = new Agent({
    // One request at a time on each connection; HTTP/2 would put all ranges of a mount on one.
    allowH2: false,
    connect: {
      timeout: Math.min(MAX_CONNECT_TIMEOUT_MS, deadlineMs),
      rejectUnauthorized: !options.insecure,
    },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    keepAliveTimeout: 20_000,
  })
  return {
    deadlineMs,
    exchange: (outgoing) => exchange(agent, userAgent, outgoing),
    // Not `close`, which would wait for bodies that nobody reads any more.
    close: () => agent.destroy(),
  }
}

async function exchange(agent: Agent, userAgent: string, outgoing: HttpRequest): Promise<HttpResponse> {
  const { method, url, signal } = outgoing
  signal?.throwIfAborted()
  const content = outgoingBody(outgoing.body)
  try {
    const response = await request(url, {
      dispatcher: agent,
      method,
      headers: { 'user-agent': userAgent, ...contentLength(outgoing.body), ...outgoing.headers },
      body: content.body,
      ...(signal === undefined ? {} : { signal }),
      ...(outgoing.headersTimeoutMs === undefined ? {} : { headersTimeout: outgoing.headersTimeoutMs }),
    })
    return { status: response.statusCode, headers: response.headers, url, method, body: response.body }
  } catch (error) {
    signal?.throwIfAborted()
    // What the content's own source threw is no fault of the connection.
    if (content.failure !== undefined) throw content.failure.error
    throw connectionError(error, method, url)
  }
}

function contentLength(body: Body | undefined): Record<string, string> {
  return body instanceof Uint8Array ? { 'content-length': String(body.length) } : {}
}

interface OutgoingBody {
  readonly body: Readable | string | null
  /** Set when the source of the body threw. */
  failure?: { readonly error: unknown }
}

function outgoingBody(body: Body | undefined): OutgoingBody {
  if (body === undefined) return { body: null }
  if (typeof body === 'string') return { body }
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* typeof body === 'function' ? body() : pieces(body as Uint8Array)
    } catch (error) {
      content.failure = { error }
      throw error
    }
  }
  const content: OutgoingBody = { body: Readable.from(watched(), { objectMode: false }) }
  return content
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

/** The body of a response as a stream; stops with our errors, and closes the connection when the consumer stops early. */
export async function* bodyStream(response: HttpResponse, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* response.body as AsyncIterable<Uint8Array>
  } catch (error) {
    signal?.throwIfAborted()
    throw connectionError(error, response.method, response.url)
  }
}

/** Reads a whole body; only for responses whose Content-Length was checked. */
export async function wholeBody(response: HttpResponse, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    return await response.body.bytes()
  } catch (error) {
    signal?.throwIfAborted()
    throw connectionError(error, response.method, response.url)
  }
}

/** Reads a body of at most `limit` bytes. @returns undefined when there is more; the connection is closed then. */
export async function readBody(
  response: HttpResponse,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of bodyStream(response, signal)) {
    size += part.length
    if (size > limit) return undefined
    parts.push(part)
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts, size)
}

/** Throws a body away so that its connection can be used again (or closes it when much is left). */
export async function discard(response: HttpResponse): Promise<void> {
  await response.body.dump({ limit: 128 << 10 }).catch(() => {})
}

/** Gives a response up without reading its body; the connection is closed. */
export function abandon(response: HttpResponse): void {
  // Destroying raises an error event, which nobody else listens to.
  response.body.on('error', () => {}).destroy()
}

/** A header as one string. */
export function header(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
