// SPDX-License-Identifier: Apache-2.0
/** What the API answers. Order of checks and texts of errors are those that clients of the original know. */
import { LOG_LEVELS, type LogLevel } from '../arguments.ts'
import type { DaemonInfo } from './daemon-info.ts'

/** A request that has been read completely. */
export interface ApiRequest {
  readonly method: string
  /** As in the request line. */
  readonly target: string
  readonly body: string
}

/** 200 with a body, 204 without, or an error. */
export interface ApiReply {
  readonly status: number
  readonly body?: unknown
}

/** What the routes work on. */
export interface ApiPorts {
  info(): DaemonInfo
  setLogLevel(level: LogLevel): void
}

/** An error as clients decode it. */
export function errorReply(status: number, message: string): ApiReply {
  return { status, body: { code: 'UNDEFINED', message } }
}

const NO_ROUTE = errorReply(404, 'NoRoute')
const BAD_REQUEST = errorReply(400, 'BadRequest')
const NO_CONTENT: ApiReply = { status: 204 }

/** Answers a request. */
export function answer(request: ApiRequest, ports: ApiPorts): ApiReply {
  const path = pathOf(request.target)
  if (path === undefined) return BAD_REQUEST
  if (path !== '/api/v1/daemon') return NO_ROUTE
  if (request.method === 'GET' && request.body === '') return { status: 200, body: ports.info() }
  if (request.method === 'PUT' && request.body !== '') return setLogLevel(request.body, ports)
  return BAD_REQUEST
}

/** Absolute URIs are allowed; nothing is decoded, so `%2F` is no slash. */
function pathOf(target: string): string | undefined {
  const path = target.replace(/^https?:\/\/[^/?#]*/, '').replace(/[?#].*$/s, '')
  return path.startsWith('/') ? path : undefined
}

function setLogLevel(body: string, ports: ApiPorts): ApiReply {
  const document = parseBody(body)
  if (document === undefined) return errorReply(400, 'ParseBody(Error("not a JSON object"))')
  const level = document.log_level
  if (typeof level !== 'string') return errorReply(400, 'ParseBody(Error("missing field `log_level`"))')
  const known = LOG_LEVELS.find((name) => name === level.toLowerCase())
  if (known === undefined) return errorReply(500, 'Configure(ResponsePayloadType)')
  ports.setLogLevel(known)
  return NO_CONTENT
}

function parseBody(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(body)
    const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
    return isObject ? (document as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
