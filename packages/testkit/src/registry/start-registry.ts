// SPDX-License-Identifier: Apache-2.0
/** An OCI registry in this process, on real sockets of the loopback interface, with scripted faults and a log of every request. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type AuthOptions, createGate, type Gate } from './auth.ts'
import { blobRoute, contentRoute } from './blob-routes.ts'
import { createSpool } from './content-store.ts'
import { type DirectAccess, directAccess } from './direct-access.ts'
import { answer, type Exchange, refuse } from './exchange.ts'
import { createFaultScript, type Fault, type FaultScript } from './faults.ts'
import { manifestRoute, tagsRoute } from './manifest-routes.ts'
import { createRepositories } from './repositories.ts'
import { bytesServed, type RequestKind, type RequestLog } from './request-log.ts'
import { selfSignedCertificate } from './self-signed.ts'
import { uploadRoute } from './upload-routes.ts'

/** How a test registry behaves. */
export interface RegistryOptions {
  readonly auth?: AuthOptions
  /** Serve HTTPS with a self-signed certificate. */
  readonly tls?: boolean
  readonly faults?: readonly Fault[]
  /** Redirect every GET of a blob to another origin. */
  readonly redirectBlobs?: boolean
  /** Uploads larger than this lie in a temporary file. Default 8 MiB. */
  readonly memoryBytes?: number
}

/** A running registry. */
export interface TestRegistry extends DirectAccess {
  /** E.g. `http://127.0.0.1:40123`. */
  readonly url: string
  /** `127.0.0.1:PORT`: the registry part of a reference. */
  readonly host: string
  /** Every request so far, in order of arrival; those of the second origin have kind `content`. */
  readonly requests: RequestLog[]
  /** Body bytes of all answers so far, or of those that `select` takes. */
  bytesServed(select?: (request: RequestLog) => boolean): number
  readonly faults: FaultScript
  /** Scripts a fault: short for `faults.add`. */
  fault(fault: Fault): void
  /** PEM of the certificate, when it serves HTTPS. */
  readonly certificate: string | undefined
  /** Uploads that were started and neither finished nor given up. */
  readonly openUploads: number
  expireTokens(): void
  /** Ends all connections and removes temporary files. */
  close(): Promise<void>
}

/** Starts a registry on a free port of 127.0.0.1. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const requests: RequestLog[] = []
  const spool = createSpool(options.memoryBytes ?? 8 << 20)
  const repositories = createRepositories()
  const faults = createFaultScript(options.faults)
  const certificate = options.tls === true ? selfSignedCertificate() : undefined
  const scheme = certificate === undefined ? 'http' : 'https'
  let url = ''
  let contentOrigin = ''
  const gate = createGate(options.auth, () => url)

  const serve = async (exchange: Exchange): Promise<void> => {
    const { kind } = exchange.log
    if (kind === 'token') return gate.token(exchange)
    if (kind === 'content') return contentRoute(exchange, repositories)
    if (!(await gate.admit(exchange))) return
    if (kind === 'ping') return answer(exchange, 200, {}, Buffer.from('{}'))
    if (kind === 'tags') return tagsRoute(exchange, repositories)
    if (kind === 'manifest') return manifestRoute(exchange, repositories)
    if (kind === 'upload') return uploadRoute(exchange, repositories, spool)
    const redirects = { contentOrigin, always: options.redirectBlobs === true }
    if (kind === 'blob') return blobRoute(exchange, repositories, redirects)
    return refuse(exchange, 404, 'UNSUPPORTED', `no route for ${exchange.log.url}`)
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    void handle(request, response, requests, faults, gate, serve)
  }
  const servers = [newServer(listener, certificate), newServer(listener, certificate)] as const
  const [host, contentHost] = await Promise.all([listen(servers[0]), listen(servers[1])])
  url = `${scheme}://${host}`
  contentOrigin = `${scheme}://${contentHost}`

  return {
    url,
    host,
    requests,
    faults,
    certificate: certificate?.cert,
    fault: (fault) => faults.add(fault),
    bytesServed: (select) => bytesServed(requests, select),
    get openUploads() {
      return repositories.uploads.size
    },
    expireTokens: () => gate.expireTokens(),
    ...directAccess(repositories),
    async close() {
      await Promise.all(servers.map(closeServer))
      spool.close()
    },
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  requests: RequestLog[],
  faults: FaultScript,
  gate: Gate,
  serve: (exchange: Exchange) => Promise<void>,
): Promise<void> {
  const log = describeRequest(request)
  requests.push(log)
  const fault = faults.take(log)
  const exchange: Exchange = { request, response, log, url: new URL(log.url, 'http://registry'), fault }
  response.on('error', () => undefined)
  request.on('error', () => undefined)
  try {
    if (fault?.do === 'drop') request.socket.destroy()
    else if (fault?.do === 'rate-limit') {
      const retryAfter = { 'retry-after': String(fault.retryAfterSeconds ?? 0) }
      await refuse(exchange, 429, 'TOOMANYREQUESTS', 'too many requests', retryAfter)
    } else if (fault?.do === 'status') {
      if (fault.body === undefined)
        await refuse(exchange, fault.status, 'UNKNOWN', 'scripted fault', fault.headers)
      else await answer(exchange, fault.status, fault.headers, Buffer.from(fault.body))
    } else {
      if (fault?.do === 'expire-tokens') gate.expireTokens()
      await serve(exchange)
    }
  } catch {
    // The client went away in the middle, or asked for something absurd: either way this connection is over.
    request.socket.destroy()
  }
}

const ROUTES: readonly (readonly [RegExp, RequestKind])[] = [
  [/^\/v2\/?()()$/, 'ping'],
  [/^\/token()()$/, 'token'],
  [/^\/content()\/([^/]+)$/, 'content'],
  [/^\/v2\/(.+)\/tags\/(list)$/, 'tags'],
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, 'manifest'],
  [/^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/, 'upload'],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, 'blob'],
]

function describeRequest(request: IncomingMessage): RequestLog {
  const url = request.url ?? '/'
  const path = decodeURIComponent(url.split('?')[0] ?? '')
  const [route, kind] = ROUTES.find(([pattern]) => pattern.test(path)) ?? [undefined, 'unknown' as const]
  const [, repository = '', reference = ''] = route?.exec(path) ?? []
  const { range, authorization } = request.headers
  return {
    method: request.method ?? '',
    url,
    kind,
    repository,
    reference,
    range,
    authorization: authorization?.split(' ')[0],
    userAgent: request.headers['user-agent'],
    status: 0,
    bytesServed: 0,
    bytesReceived: 0,
    fault: undefined,
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

function newServer(
  listener: Listener,
  certificate: ReturnType<typeof selfSignedCertificate> | undefined,
): Server {
  return certificate === undefined
    ? createHttpServer(listener)
    : createHttpsServer({ ...certificate }, listener)
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
