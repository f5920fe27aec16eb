// SPDX-License-Identifier: Apache-2.0
/** One request and its answer; answers pass through here so that faults and byte counts apply to all of them alike. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Content } from './content-store.ts'
import type { FaultAction } from './faults.ts'
import type { RequestLog } from './request-log.ts'

/** A request being answered. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly log: RequestLog
  readonly url: URL
  readonly fault: FaultAction | undefined
}

type Headers = Readonly<Record<string, string | number>>

/** Answers with a body that is in memory. */
export async function answer(
  exchange: Exchange,
  status: number,
  headers: Headers = {},
  body = new Uint8Array(),
): Promise<void> {
  await send(exchange, status, { 'content-length': body.length, ...headers }, body.length === 0 ? [] : [body])
}

/** Answers with an OCI error document. */
export async function refuse(
  exchange: Exchange,
  status: number,
  code: string,
  message: string,
  headers: Headers = {},
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify({ errors: [{ code, message }] })}\n`)
  await answer(exchange, status, { 'content-type': 'application/json', ...headers }, body)
}

/** Answers with content, whole or the range that was asked for. */
export async function answerContent(exchange: Exchange, content: Content, headers: Headers): Promise<void> {
  const { fault } = exchange
  const range =
    fault?.do === 'ignore-range' ? undefined : parseRange(exchange.request.headers.range, content.size)
  const common = { ...headers, 'docker-content-digest': content.digest, 'accept-ranges': 'bytes' }
  if (range === 'unsatisfiable') {
    await refuse(exchange, 416, 'RANGE_INVALID', 'range is outside the content', {
      'content-range': `bytes */${content.size}`,
    })
    return
  }
  if (range === undefined) {
    await send(exchange, 200, { ...common, 'content-length': content.size }, content.read(0, content.size))
    return
  }
  const shift = fault?.do === 'shift-range' ? fault.byBytes : 0
  const [start, end] = [
    Math.min(range.start + shift, content.size - 1),
    Math.min(range.end + shift, content.size),
  ]
  await send(
    exchange,
    206,
    {
      ...common,
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${content.size}`,
    },
    content.read(start, end),
  )
}

/** Reads the request's body piece by piece. */
export async function readBody(exchange: Exchange, append: (bytes: Uint8Array) => void): Promise<void> {
  for await (const piece of exchange.request) {
    exchange.log.bytesReceived += (piece as Buffer).length
    append(piece as Buffer)
  }
}

/** Reads a small body whole. */
export async function readSmallBody(exchange: Exchange, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let size = 0
  await readBody(exchange, (bytes) => {
    size += bytes.length
    if (size <= maxBytes) pieces.push(bytes)
  })
  if (size > maxBytes) throw new RangeError(`request body of ${size} bytes, at most ${maxBytes}`)
  return Buffer.concat(pieces)
}

async function send(
  exchange: Exchange,
  status: number,
  headers: Headers,
  body: Iterable<Uint8Array>,
): Promise<void> {
  const { response, log, request, fault } = exchange
  if (fault?.do === 'stall' && fault.afterBytes === undefined && !(await breakOff(exchange, fault))) return
  log.status = status
  response.writeHead(status, { ...headers })
  if (request.method !== 'HEAD' && !(await sendBody(exchange, body))) return
  response.end()
}

/** Sends the body with its scripted damage; false when the answer does not go on. */
async function sendBody(exchange: Exchange, body: Iterable<Uint8Array>): Promise<boolean> {
  const { response, log, fault } = exchange
  let breakAt = fault?.do === 'cut' || fault?.do === 'stall' ? (fault.afterBytes ?? -1) : -1
  for (const piece of body) {
    let rest = fault === undefined ? piece : corrupted(piece, log.bytesServed, fault)
    if (fault !== undefined && breakAt >= 0 && log.bytesServed + rest.length >= breakAt) {
      const length = breakAt - log.bytesServed
      await write(exchange, rest.subarray(0, length))
      if (!(await breakOff(exchange, fault))) return false
      rest = rest.subarray(length)
      breakAt = -1
    }
    await write(exchange, rest)
    if (response.destroyed) return false
  }
  return fault === undefined || breakAt < 0 || breakOff(exchange, fault)
}

async function write(exchange: Exchange, bytes: Uint8Array): Promise<void> {
  const { response, log } = exchange
  if (bytes.length === 0 || response.destroyed) return
  log.bytesServed += bytes.length
  if (response.write(bytes)) return
  await new Promise<void>((resolve) => {
    const settle = () => {
      response.off('drain', settle).off('close', settle)
      resolve()
    }
    response.on('drain', settle).on('close', settle)
  })
}

/** Does the scripted break; true when the answer goes on afterwards. */
async function breakOff({ request, response }: Exchange, fault: FaultAction): Promise<boolean> {
  if (fault.do === 'stall') {
    if (response.headersSent) response.flushHeaders()
    const closed = once(response, 'close')
    if (fault.forMs !== undefined) {
      await Promise.race([sleep(fault.forMs, undefined, { ref: false }), closed])
      return !response.destroyed
    }
    await closed
    return false
  }
  // What was written must reach the client before the connection goes.
  await new Promise((resolve) => response.write('', resolve))
  await sleep(5)
  request.socket.destroy()
  return false
}

function corrupted(piece: Uint8Array, sent: number, fault: FaultAction): Uint8Array {
  if (fault.do !== 'corrupt' || fault.atByte < sent || fault.atByte >= sent + piece.length) return piece
  const copy = Uint8Array.from(piece)
  copy[fault.atByte - sent] = (copy[fault.atByte - sent] ?? 0) ^ 1
  return copy
}

function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  return start >= size || end <= start ? 'unsatisfiable' : { start, end }
}
