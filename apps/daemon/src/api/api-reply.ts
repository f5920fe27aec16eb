// SPDX-License-Identifier: Apache-2.0
/** Requests and replies of the API, as the routes see them. */

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
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly text?: { readonly type: string; readonly content: string }
  /** To be done when the reply is on its way. */
  readonly after?: () => void
}

/** An error as clients decode it. */
export function errorReply(status: number, message: string): ApiReply {
  return { status, body: { code: 'UNDEFINED', message } }
}

/** A reply with a JSON body. */
export function ok(body: unknown): ApiReply {
  return { status: 200, body }
}

export const NO_ROUTE = errorReply(404, 'NoRoute')
export const BAD_REQUEST = errorReply(400, 'BadRequest')
export const NO_CONTENT: ApiReply = { status: 204 }
