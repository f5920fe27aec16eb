// SPDX-License-Identifier: Apache-2.0
/** The entry point of the package: a bootstrap becomes a directory. */

import { availableParallelism } from 'node:os'
import { shareBytes } from '@nydus/base/binary'
import { openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import type { CompatAttrs } from './attr.ts'
import type { BlobRangeReader, SharedBlobView } from './blob-range-reader.ts'
import { createFileReader } from './file-reader.ts'
import type { FileAccess } from './fop-counters.ts'
import type { FuseEvent, FuseStats } from './fuse-event.ts'
import { hasFuseNative, mountNative } from './fuse-native/mount-native.ts'
import { libc } from './libc.ts'
import { mountFuse } from './mount.ts'
import { checkMountpoint } from './mountpoint.ts'
import { type ReaderPort, startSession } from './session.ts'

/** What to mount, where and how. */
export interface MountRafsOptions {
  /** The whole bootstrap. Copied once unless it lies over a SharedArrayBuffer; must not change while mounted. */
  readonly bootstrap: Uint8Array
  /** Where file data comes from. Not closed by the mount. */
  readonly blobs: BlobRangeReader
  /** An existing directory that no FUSE file system covers. */
  readonly mountpoint: string
  /** Threads that answer the kernel, 1 … 64. */
  readonly workers?: number
  /** Users other than the mounting one may use the mount. Default: true for root; else /etc/fuse.conf has to allow it. */
  readonly allowOther?: boolean
  /**
   * Answer as the original nydusd does where it deviates from what is stored: permission bits of the root are 0755, an
   * mtime of 0 is the time of mounting, and owners are the mounting user's unless the image says that they are meant.
   */
  readonly compatAttrs?: boolean
  /** Called for what happens while mounted; must not throw. */
  readonly onEvent?: (event: FuseEvent) => void
  /** Called for every answered request, /dev/fuse only; costs a message each. */
  readonly onAccess?: (access: FileAccess) => void
  /** `auto` takes fuse-native only where koffi cannot be loaded. */
  readonly transport?: 'auto' | RafsMount['transport']
  /** Aborting undoes a mount that is under way, and unmounts one that is there. */
  readonly signal?: AbortSignal
}

/** A mounted image. */
export interface RafsMount {
  /** Real path of the directory. */
  readonly mountpoint: string
  readonly transport: 'dev-fuse' | 'fuse-native'
  /** Detaches the mount, also when files in it are open (their readers get errors), and ends its threads. Idempotent. */
  unmount(): Promise<void>
  /** Resolves when the mount is gone, whoever unmounted it. Never rejects. */
  readonly closed: Promise<void>
  /** Counts since the mount. */
  stats(): FuseStats
}

/** Two threads keep a second reader going while one reads from disk; more than four have shown no gain. */
const MIN_WORKERS = 2
const MAX_DEFAULT_WORKERS = 4
const MAX_WORKERS = 64

/**
 * Mounts a RAFS v5 or v6 image and serves it from worker threads until it is unmounted. Resolves when the kernel has agreed
 * and all threads are ready. Do not touch the mount with synchronous calls from the thread that made it: what has to be
 * fetched is fetched by that thread. Asynchronous file calls of this process hold its few pool threads while they wait
 * for data, and fetching needs one: keep fewer under way than UV_THREADPOOL_SIZE (4), or read in another process.
 * @throws {FormatError} when the bootstrap is damaged.
 * @throws {FuseError} ERR_FUSE_BINDING_MISSING, ERR_FUSE_PERMISSION, ERR_FUSE_MOUNT_FAILED, ERR_FUSE_PROTOCOL.
 */
export async function mountRafs(options: MountRafsOptions): Promise<RafsMount> {
  const { signal, blobs } = options
  signal?.throwIfAborted()
  const workers = checkWorkers(options.workers ?? defaultWorkers())
  const bootstrap = openBootstrap(shareBytes(options.bootstrap))
  const transport = chooseTransport(options.transport ?? 'auto')
  const mountpoint = await checkMountpoint(options.mountpoint)
  signal?.throwIfAborted()
  const common = {
    onEvent: reportTo(options.onEvent),
    allowOther: options.allowOther ?? process.geteuid?.() === 0,
  }
  const compat = options.compatAttrs === true ? compatAttrs(bootstrap.flags) : undefined
  const session =
    transport === 'dev-fuse'
      ? await startSession({
          ...common,
          ...{ workers, signal, onAccess: options.onAccess },
          serves: { kind: 'rafs', bootstrap: bootstrap.bytes, compat },
          createReader: (port) => createFileReader({ bootstrap, blobs, ...viewTeller(port) }),
          kernelMount: await mountFuse({ mountpoint, allowOther: common.allowOther }),
        })
      : await mountNative({ ...common, bootstrap, blobs, compat, mountpoint, signal })
  return { mountpoint, transport, unmount: session.unmount, closed: session.closed, stats: session.stats }
}

/** Workers find a blob's view by its index in the bootstrap. */
function viewTeller({ signal, post }: ReaderPort) {
  return {
    signal,
    onOpen: (view: SharedBlobView) => post({ kind: 'view', key: view.blobIndex, view }),
  }
}

/** A listener that throws is a bug of its owner and shows as an uncaught exception; the mount goes on. */
function reportTo(listener: MountRafsOptions['onEvent']): (event: FuseEvent) => void {
  return (event) => {
    try {
      listener?.(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

function chooseTransport(wanted: 'auto' | RafsMount['transport']): RafsMount['transport'] {
  if (wanted === 'fuse-native') return wanted
  try {
    libc()
    return 'dev-fuse'
  } catch (error) {
    if (wanted === 'auto' && hasFuseNative()) return 'fuse-native'
    throw error
  }
}

function defaultWorkers(): number {
  return Math.min(MAX_DEFAULT_WORKERS, Math.max(MIN_WORKERS, availableParallelism()))
}

function checkWorkers(workers: number): number {
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return workers
  throw new RangeError(`workers is ${workers}, not an integer in 1..${MAX_WORKERS}`)
}

function compatAttrs(flags: bigint): CompatAttrs {
  const ownersAreMeant = (flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n
  const mountTime = Math.floor(Date.now() / 1000)
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  return { mountTime, owner: ownersAreMeant ? undefined : owner }
}
