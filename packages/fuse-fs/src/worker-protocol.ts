// SPDX-License-Identifier: Apache-2.0
/** What the main thread and the FUSE workers tell each other. */

import type { CompatAttrs } from './attr.ts'
import type { SharedBlobView } from './blob-range-reader.ts'
import type { DeviceEntry } from './devices/device-table.ts'
import { type FileAccess, FOP_COUNTER_COUNT } from './fop-counters.ts'
import type { FuseFailure } from './fuse-event.ts'

/** The file system behind a connection. */
export type Served =
  | {
      readonly kind: 'rafs'
      /** Over a SharedArrayBuffer. */
      readonly bootstrap: Uint8Array
      readonly compat: CompatAttrs | undefined
    }
  /** Blob devices; which ones is told by messages. */
  | { readonly kind: 'devices' }

/** What a worker is started with. */
export interface WorkerSetup {
  readonly serves: Served
  /** Tell the main thread of every answer. It costs a message each. */
  readonly tellsAccess: boolean
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
  /** Counts the messages posted; a worker that has seen fewer looks into its inbox. */
  POSTED: 1,
} as const
export const SHARED_COUNT = 2

/** Indexes of a worker's `counters`. */
export const COUNTER = { REQUESTS: 0, READS: 1, READ_BYTES: 2, MISSES: 3, FAILURES: 4 } as const
/** Where those of fop-counters.ts begin. */
export const FOP_COUNTERS_AT = 5
export const COUNTER_COUNT = FOP_COUNTERS_AT + FOP_COUNTER_COUNT

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'miss' } & ReadMiss)
  /** The worker answered with an errno because something is damaged. */
  | FuseFailure
  /** A device was opened, or closed for good. */
  | DeviceUse
  | ({ readonly kind: 'access' } & FileAccess)
  /** The connection is gone; `errno` is what reading it gave. */
  | { readonly kind: 'gone'; readonly errno: number }

/** A device was opened, or what had been opened was closed. */
export interface DeviceUse {
  readonly kind: 'opened' | 'released'
  readonly nodeid: number
}

/** A READ for the main thread to answer. */
export interface ReadMiss {
  /** The request's id in two halves. */
  readonly uniqueLow: number
  readonly uniqueHigh: number
  readonly nid: number
  readonly offset: number
  readonly size: number
}

/** To a worker; counted in SHARED.POSTED after it is posted. */
export type InboxMessage =
  /** A blob has been opened. `key` is its index in the bootstrap, or the nodeid of its device. */
  | { readonly kind: 'view'; readonly key: number; readonly view: SharedBlobView }
  | { readonly kind: 'device'; readonly device: DeviceEntry }
  | { readonly kind: 'device-gone'; readonly nodeid: number }
