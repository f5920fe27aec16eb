// SPDX-License-Identifier: Apache-2.0
/** What the main thread and the FUSE workers tell each other. */

import type { CompatAttrs } from './attr.ts'
import type { SharedBlobView } from './blob-range-reader.ts'
import type { FuseFailure } from './fuse-event.ts'

/** What a worker is started with. */
export interface WorkerSetup {
  /** Over a SharedArrayBuffer. */
  readonly bootstrap: Uint8Array
  readonly compat: CompatAttrs | undefined
  /** Descriptor of the FUSE connection, non-blocking. */
  readonly fuseFd: number
  /** An eventfd that becomes readable when the worker must stop. */
  readonly stopFd: number
  /** Over a SharedArrayBuffer, indexed by SHARED. */
  readonly shared: Int32Array
  /** Over a SharedArrayBuffer, indexed by COUNTER; written by this worker only. */
  readonly counters: Float64Array
}

/** Indexes of `shared`. */
export const SHARED = {
  /** Not 0: leave. */
  STOP: 0,
  /** Counts the views posted; a worker that has seen fewer looks into its inbox. */
  VIEWS: 1,
} as const
export const SHARED_COUNT = 2

/** Indexes of a worker's `counters`. */
export const COUNTER = { REQUESTS: 0, READS: 1, READ_BYTES: 2, MISSES: 3, FAILURES: 4 } as const
export const COUNTER_COUNT = 5

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'miss' } & ReadMiss)
  /** The worker answered with an errno because something is damaged. */
  | FuseFailure
  /** The connection is gone; `errno` is what reading it gave. */
  | { readonly kind: 'gone'; readonly errno: number }

/** A READ for the main thread to answer. */
export interface ReadMiss {
  /** The request's id in two halves. */
  readonly uniqueLow: number
  readonly uniqueHigh: number
  readonly nid: number
  readonly offset: number
  readonly size: number
}

/** To a worker: a blob has been opened. Counted in SHARED.VIEWS after it is posted. */
export type InboxMessage = SharedBlobView
