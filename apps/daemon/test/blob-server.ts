// SPDX-License-Identifier: Apache-2.0
/** The part of a registry that a daemon talks to: ranges of blobs, behind a password. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface BlobServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** `method path range` of every request that was let in. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/** @param blobs by blob id. @param authorization the header value that is let in; everything else gets 401. */
export async function startBlobServer(
  repository: string,
  blobs: ReadonlyMap<string, Uint8Array>,
  authorization?: string,
): Promise<BlobServer> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' }).end()
      return
    }
    const { method, url = '', headers } = request
    requests.push(`${method} ${url} ${headers.range ?? ''}`)
    if (url === '/v2/') {
      response.writeHead(200).end('{}')
      return
    }
    const blobId = url.startsWith(`/v2/${repository}/blobs/sha256:`) ? url.slice(-64) : ''
    const blob = blobs.get(blobId)
    if (blob === undefined) {
      response.writeHead(404).end()
      return
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    if (first === undefined || last === undefined) {
      response.writeHead(200, { 'Content-Length': blob.length }).end(method === 'HEAD' ? undefined : blob)
      return
    }
    const part = blob.subarray(Number(first), Number(last) + 1)
    response
      .writeHead(206, {
        'Content-Length': part.length,
        'Content-Range': `bytes ${first}-${last}/${blob.length}`,
      })
      .end(part)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
