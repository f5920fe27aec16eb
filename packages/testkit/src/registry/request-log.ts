// SPDX-License-Identifier: Apache-2.0
/** What was asked of the registry and what it sent. */

/** The part of the distribution protocol that a request belongs to. */
export type RequestKind = 'ping' | 'token' | 'tags' | 'manifest' | 'blob' | 'upload' | 'content' | 'unknown'

/** One request. The numbers grow while the answer is sent. */
export interface RequestLog {
  readonly method: string
  /** Path and query as they came. */
  readonly url: string
  readonly kind: RequestKind
  /** Repository, or '' for requests that have none. */
  readonly repository: string
  /** Tag or digest of a manifest, digest of a blob, id of an upload; '' where there is none. */
  readonly reference: string
  /** The `Range` header, e.g. `bytes=0-4095`. */
  readonly range: string | undefined
  /** The scheme of the `Authorization` header: `Basic`, `Bearer` or undefined. Never the secret. */
  readonly authorization: string | undefined
  readonly userAgent: string | undefined
  /** 0 until the answer starts; stays 0 when the connection was dropped first. */
  status: number
  /** Body bytes of the answer that were handed to the connection. */
  bytesServed: number
  /** Body bytes of the request. */
  bytesReceived: number
  /** The scripted fault that hit this request. */
  fault: string | undefined
}

/** Sum of the body bytes of all answers that `select` takes; all by default. */
export function bytesServed(
  requests: readonly RequestLog[],
  select: (request: RequestLog) => boolean = () => true,
): number {
  return requests.filter(select).reduce((sum, request) => sum + request.bytesServed, 0)
}
