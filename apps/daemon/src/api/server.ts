// SPDX-License-Identifier: Apache-2.0
/**
 * HTTP on a unix socket. Clients keep a connection open for ever to notice the daemon's death, so no connection is ever
 * closed for being idle.
 */
import { link, lstat, rename, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { DaemonError } from '../daemon-error.ts'
import type { ApiPorts } from './api-ports.ts'
import { type ApiReply, errorReply } from './api-reply.ts'
import { answer } from './routes.ts'

/** A listening API. */
export interface ApiServer {
  /** Stops listening, ends all connections and removes the socket file if it still is ours. */
  close(): Promise<void>
}

const MAX_BODY_BYTES = 51_200
/** What fits into `sockaddr_un` with its final NUL. */
const MAX_SOCKET_PATH_BYTES = 107

/**
 * Listens on `path`. A socket file that nobody listens on is replaced.
 * @throws {DaemonError} ERR_CONFIG_INVALID when a living daemon has the socket, or it cannot be created.
 */
export async function startApiServer(path: string, ports: ApiPorts): Promise<ApiServer> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES)
    throw unusable(path, `has more than ${MAX_SOCKET_PATH_BYTES} bytes`)
  await removeStale(path)
  const server = createServer(
    { keepAlive: true, requireHostHeader: false },
    (request, response) => void handle(request, response, ports),
  )
  server.keepAliveTimeout = 0
  server.headersTimeout = 0
  server.requestTimeout = 0
  server.timeout = 0
  server.on('clientError', (_, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 \r\nServer: Nydus API\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  await listen(server, path)
  // A connection that cannot be accepted, for want of descriptors, is the client's trouble.
  server.on('error', () => {})
  const { ino } = await lstat(path)
  return { close: () => closeServer(server, path, ino) }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw unusable(path, 'cannot be looked at', cause)
  })
  if (found === undefined) return
  if (!found.isSocket()) throw unusable(path, 'is not a socket')
  if (await isAlive(path)) throw unusable(path, 'belongs to a running daemon')
  await unlink(path)
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (alive: boolean): void => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => settle(true))
    // Anything but a refusal may come from a daemon that is busy.
    socket.once('error', (error) =>
      settle(!('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT'))),
    )
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(unusable(path, 'cannot be created', cause)))
    server.listen(path, resolve)
  })
}

async function closeServer(server: Server, path: string, ino: number): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  // Closing removes the file under our path, whoever made it: one that is not ours is put back.
  const aside = found === undefined || found.ino === ino ? undefined : `${path}.${process.pid}`
  if (aside !== undefined) await link(path, aside)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
  if (aside !== undefined) await rename(aside, path)
}

async function handle(request: IncomingMessage, response: ServerResponse, ports: ApiPorts): Promise<void> {
  try {
    const body = await readBody(request)
    const reply =
      body === undefined
        ? errorReply(400, 'BadRequest')
        : await answer({ method: request.method ?? '', target: request.url ?? '', body }, ports)
    if (reply.after !== undefined) response.once('close', reply.after)
    send(response, request.method === 'HEAD' ? { status: reply.status } : reply)
  } catch {
    // The client is gone.
    response.destroy()
  }
}

/** Undefined for bodies that the original refuses: too large, or in chunks. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (request.headers['transfer-encoding'] !== undefined) return undefined
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size <= MAX_BODY_BYTES) pieces.push(piece)
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(pieces).toString('utf8')
}

function send(response: ServerResponse, { status, body, text }: ApiReply): void {
  response.sendDate = false
  const headers = { Server: 'Nydus API', Connection: 'keep-alive' }
  if (text !== undefined) {
    response.writeHead(status, '', { ...headers, 'Content-Type': text.type }).end(text.content)
    return
  }
  if (body === undefined) {
    response.writeHead(status, '', headers).end()
    return
  }
  const json = Buffer.from(JSON.stringify(body))
  response
    .writeHead(status, '', { ...headers, 'Content-Type': 'application/json', 'Content-Length': json.length })
    .end(json)
}

function unusable(path: string, what: string, cause?: unknown): DaemonError {
  return new DaemonError('ERR_CONFIG_INVALID', `api socket ${path} ${what}`, {
    details: { path },
    hint: 'choose another --apisock',
    ...(cause === undefined ? {} : { cause }),
  })
}
