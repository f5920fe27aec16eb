// SPDX-License-Identifier: Apache-2.0
/** A registry in this process: real HTTP on a loopback port, content in maps, every request recorded, faults scripted. */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A request as it came. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

/** Answers a request instead of the registry; false passes it on. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

export interface MemoryRegistry {
  /** host:port */
  readonly host: string
  readonly url: string
  readonly requests: SeenRequest[]
  readonly blobs: Map<string, Uint8Array>
  readonly manifests: Map<string, { bytes: Uint8Array; mediaType: string }>
  intercept: Interceptor | undefined
  /** `METHOD path` of each request, without the query. */
  lines(): string[]
  close(): Promise<void>
}

export interface MemoryRegistryOptions {
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Upload locations with scheme and host. */
  readonly absoluteLocations?: boolean
}

export async function startMemoryRegistry(options: MemoryRegistryOptions = {}): Promise<MemoryRegistry> {
  const uploads = new Map<string, Buffer>()
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy())
  }
  const server = options.tls ? createTlsServer(options.tls, answer) : createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const registry: MemoryRegistry = {
    host,
    url: `${options.tls ? 'https' : 'http'}://${host}`,
    requests: [],
    blobs: new Map(),
    manifests: new Map(),
    intercept: undefined,
    lines: () => registry.requests.map(({ method, path }) => `${method} ${path.split('?')[0]}`),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { method = '', url: path = '' } = request
    registry.requests.push({ method, path, headers: request.headers })
    if (await registry.intercept?.(request, response)) return true
    const url = new URL(path, registry.url)
    if (url.pathname === '/v2/') return send(response, 200)
    const [, name, kind, rest] = /^\/v2\/(.+?)\/(manifests|blobs)\/(.+|)$/.exec(url.pathname) ?? []
    if (kind === 'manifests' && name && rest) return manifest(request, response, name, rest)
    if (kind === 'blobs' && rest?.startsWith('uploads/')) return upload(request, response, url, name ?? '')
    if (kind === 'blobs' && rest) return blob(request, response, rest)
    return send(response, 404)
  }

  async function manifest(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    key: string,
  ): Promise<boolean> {
    if (request.method === 'PUT') {
      const bytes = await body(request)
      const stored = { bytes, mediaType: request.headers['content-type'] ?? '' }
      registry.manifests.set(`${name}:${digest(bytes)}`, stored)
      registry.manifests.set(`${name}:${key}`, stored)
      return send(response, 201, { 'docker-content-digest': digest(bytes) })
    }
    const found = registry.manifests.get(`${name}:${key}`)
    if (!found) return send(response, 404, {}, errorBody('MANIFEST_UNKNOWN', 'manifest unknown'))
    const headers = { 'content-type': found.mediaType, 'docker-content-digest': digest(found.bytes) }
    return send(response, 200, headers, found.bytes, request.method === 'HEAD')
  }

  function blob(request: IncomingMessage, response: ServerResponse, key: string): boolean {
    const bytes = registry.blobs.get(key)
    if (!bytes) return send(response, 404, {}, errorBody('BLOB_UNKNOWN', 'blob unknown'))
    const [, first, last] = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined) return send(response, 200, {}, bytes, request.method === 'HEAD')
    const start = Number(first)
    const end = Math.min(last ? Number(last) + 1 : bytes.length, bytes.length)
    if (start >= bytes.length) return send(response, 416)
    const headers = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }
    return send(response, 206, headers, bytes.subarray(start, end))
  }

  async function upload(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    name: string,
  ): Promise<boolean> {
    const location = (id: string): string =>
      `${options.absoluteLocations ? registry.url : ''}/v2/${name}/blobs/uploads/${id}?state=${uploads.get(id)?.length}`
    if (request.method === 'POST') {
      const mount = url.searchParams.get('mount')
      if (mount && registry.blobs.has(mount)) return send(response, 201)
      const id = randomUUID()
      uploads.set(id, Buffer.alloc(0))
      return send(response, 202, { location: location(id) })
    }
    const id = url.pathname.split('/').at(-1) ?? ''
    const known = uploads.get(id)
    if (!known) return send(response, 404, {}, errorBody('BLOB_UPLOAD_UNKNOWN', 'upload unknown'))
    if (request.method === 'DELETE') {
      uploads.delete(id)
      return send(response, 204)
    }
    if (request.method === 'GET')
      return send(response, 204, { location: location(id), range: `0-${known.length - 1}` })
    const stated = /^([0-9]+)-([0-9]+)$/.exec(request.headers['content-range'] ?? '')
    if (stated && Number(stated[1]) !== known.length) return send(response, 416)
    const all = Buffer.concat([known, await body(request)])
    uploads.set(id, all)
    if (request.method === 'PATCH')
      return send(response, 202, { location: location(id), range: `0-${all.length - 1}` })
    const wanted = url.searchParams.get('digest') ?? ''
    if (digest(all) !== wanted) return send(response, 400, {}, errorBody('DIGEST_INVALID', 'wrong digest'))
    registry.blobs.set(wanted, all)
    return send(response, 201, { 'docker-content-digest': wanted })
  }
  return registry
}

/** Sends a response whose length is stated; true, so that an interceptor can return it. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  content: Uint8Array | string = '',
  headersOnly = false,
): true {
  response.writeHead(status, { 'content-length': Buffer.byteLength(content), ...headers })
  response.end(headersOnly ? undefined : content)
  return true
}

export function errorBody(code: string, message: string): string {
  return JSON.stringify({ errors: [{ code, message }] })
}

export async function body(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

function digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
