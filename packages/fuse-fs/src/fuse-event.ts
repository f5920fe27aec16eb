// SPDX-License-Identifier: Apache-2.0
/** What a mount tells its owner: events as they happen, and counts on request. */

import type { FopStats } from './fop-counters.ts'
import type { InflightRead } from './miss-reader.ts'

/** Why a mount is gone. `unmounted`: by its owner; `kernel`: by somebody else; `worker`: a thread died, which is a bug. */
export type CloseReason = 'unmounted' | 'kernel' | 'worker'

/** What happens while mounted. */
export type FuseEvent =
  | FuseReady
  | FuseFailure
  | { readonly kind: 'closed'; readonly reason: CloseReason; readonly error?: unknown }

/** The kernel has agreed. */
export interface FuseReady {
  readonly kind: 'ready'
  /** The kernel's version of the FUSE protocol, or `fuse-native`. */
  readonly protocol: string
  /** Threads that serve; 0 when the main thread does. */
  readonly workers: number
  /** What this transport cannot do, for people; empty for /dev/fuse. */
  readonly limits: readonly string[]
}

/** A request was answered with an error because data could not be had or the bootstrap is damaged. */
export interface FuseFailure {
  readonly kind: 'failure'
  /** Name of the FUSE request, such as READ. */
  readonly operation: string
  /** The inode asked for. */
  readonly nid: number
  /** Positive, as in errno.h. */
  readonly errno: number
  /** One line for a person. */
  readonly message: string
  /** What was thrown, where it was thrown in this thread. */
  readonly error?: unknown
}

/** Counts since the mount. */
export interface FuseStats {
  /** Requests of all kinds. */
  readonly requests: number
  readonly reads: number
  /** Bytes of file data given to the kernel. */
  readonly readBytes: number
  /** READs that a worker could not answer from what is on disk. */
  readonly misses: number
  /** Requests answered with an error that is not a plain result. */
  readonly failures: number
  /** Misses that wait for their data now. */
  readonly pending: number
  /** By kind of request; not with fuse-native. */
  readonly fops?: FopStats
  /** The reads that wait; not with fuse-native. */
  readonly inflight?: readonly InflightRead[]
}
