// SPDX-License-Identifier: Apache-2.0
/** Talks to a daemon of ours or of the original, over its socket. */
import { request } from 'node:http'
import { getSystemErrorMessage } from 'node:util'
import { DaemonError } from '../daemon-error.ts'

/** A document that the daemon sent. */
export type Document = Readonly<Record<string, unknown>>

/** One daemon. All calls throw DaemonError with what it answered. */
export interface ApiClient {
  get(path: string): Promise<Document>
  send(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: Document): Promise<void>
}

/** A call changes at most a few mounts; one that takes longer hangs. */
const DEADLINE_MS = 30_000

/** @param socketPath where the daemon listens. Connects with each call. */
export function createApiClient(socketPath: string): ApiClient {
  return {
    async get(path) {
      const text = await call(socketPath, 'GET', path, undefined)
      const document: unknown = text === '' ? {} : JSON.parse(text)
      return document as Document
    },
    async send(method, path, body) {
      await call(socketPath, method, path, body === undefined ? undefined : JSON.stringify(body))
    },
  }
}

function call(socketPath: string, method: string, path: string, body: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    const sent = request({ socketPath, method, path: `/api/${path}`, agent: false, headers }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8')
        const status = response.statusCode ?? 0
        if (status >= 200 && status < 300) resolve(text)
        else reject(refused(status, text))
      })
    })
    sent.setTimeout(DEADLINE_MS, () => sent.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)))
    sent.on('error', (cause: NodeJS.ErrnoException) => reject(unreachable(cause)))
    // In one write with the head: the original's server answers 500 to requests in pieces.
    sent.end(body)
  })
}

function refused(status: number, text: string): DaemonError {
  return new DaemonError('ERR_USAGE', `Request failed. ${debugText(text)}`, { details: { status } })
}

/** The original's tool prints the answer as Rust does; scripts look for its parts. */
function debugText(text: string): string {
  try {
    const { code, message } = JSON.parse(text) as { readonly code?: unknown; readonly message?: unknown }
    return `Object {"code": String(${JSON.stringify(code)}), "message": String(${JSON.stringify(message)})}`
  } catch {
    return text.slice(0, 1000)
  }
}

function unreachable(cause: NodeJS.ErrnoException): DaemonError {
  const { errno } = cause
  const reason =
    errno === undefined ? cause.message : `${capital(getSystemErrorMessage(errno))} (os error ${-errno})`
  return new DaemonError('ERR_USAGE', `client error (Connect)\n\nCaused by:\n    ${reason}`, { cause })
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
