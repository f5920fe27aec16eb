// SPDX-License-Identifier: Apache-2.0
/** Scripted faults: which request is hit, how often, and what happens to it. */
import type { RequestLog } from './request-log.ts'

/** What happens to a request. Byte positions count from the start of the answer's body. */
export type FaultAction =
  /** Answers with this status and an OCI error document, or `body`. */
  | {
      readonly do: 'status'
      readonly status: number
      readonly body?: string
      readonly headers?: Record<string, string>
    }
  /** 429 with `Retry-After`. */
  | { readonly do: 'rate-limit'; readonly retryAfterSeconds?: number }
  /** Sends headers and `afterBytes` bytes of the body (left out: nothing at all), then waits `forMs` (default: until the client gives up). */
  | { readonly do: 'stall'; readonly afterBytes?: number; readonly forMs?: number }
  /** Sends `afterBytes` bytes of the body, then closes the connection. */
  | { readonly do: 'cut'; readonly afterBytes: number }
  /** Closes the connection before any answer. */
  | { readonly do: 'drop' }
  /** Flips one bit of the byte at this position of the body. */
  | { readonly do: 'corrupt'; readonly atByte: number }
  /** All tokens given out so far stop working, before this request is looked at. */
  | { readonly do: 'expire-tokens' }
  /** 307 to the same content at another origin, which refuses `Authorization` headers. */
  | { readonly do: 'redirect' }
  /** 200 with the whole content where a range was asked for. */
  | { readonly do: 'ignore-range' }
  /** 206 whose `Content-Range` and body start `byBytes` later than asked for. */
  | { readonly do: 'shift-range'; readonly byBytes: number }

/** A fault and the requests that it hits. */
export interface Fault {
  /** Members that are left out match everything. */
  readonly on?: {
    readonly method?: string
    readonly kind?: RequestLog['kind']
    readonly repository?: string
    /** Tag or digest. */
    readonly reference?: string
    readonly url?: RegExp
  }
  /** Matching requests that pass first. Default 0. */
  readonly skip?: number
  /** Requests that are hit after that. Default 1; `Number.POSITIVE_INFINITY` for all. */
  readonly times?: number
  readonly action: FaultAction
}

/** The faults of one registry; earlier ones are looked at first, one hits a request. */
export interface FaultScript {
  add(...faults: readonly Fault[]): void
  clear(): void
  /** Faults that have not hit as often as they should. */
  readonly pending: readonly Fault[]
  /** The fault for this request, counted as used. */
  take(request: RequestLog): FaultAction | undefined
}

/** Starts a script with `initial`. */
export function createFaultScript(initial: readonly Fault[] = []): FaultScript {
  let live = initial.map((fault) => ({ fault, seen: 0 }))
  const last = ({ skip = 0, times = 1 }: Fault) => skip + times
  return {
    add(...faults) {
      live.push(...faults.map((fault) => ({ fault, seen: 0 })))
    },
    clear() {
      live = []
    },
    get pending() {
      return live.filter(({ fault, seen }) => seen < last(fault)).map(({ fault }) => fault)
    },
    take(request) {
      for (const entry of live) {
        if (entry.seen >= last(entry.fault) || !matches(entry.fault.on ?? {}, request)) continue
        entry.seen += 1
        if (entry.seen <= (entry.fault.skip ?? 0)) continue
        request.fault = entry.fault.action.do
        return entry.fault.action
      }
      return undefined
    },
  }
}

function matches(on: NonNullable<Fault['on']>, request: RequestLog): boolean {
  return (
    (on.method === undefined || on.method === request.method) &&
    (on.kind === undefined || on.kind === request.kind) &&
    (on.repository === undefined || on.repository === request.repository) &&
    (on.reference === undefined || on.reference === request.reference) &&
    (on.url === undefined || on.url.test(request.url))
  )
}
