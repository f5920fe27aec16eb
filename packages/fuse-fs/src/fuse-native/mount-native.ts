// SPDX-License-Identifier: Apache-2.0
/**
 * The second transport: the `fuse-native` package (libfuse 2), for Linux x64 where koffi cannot be loaded. It is slower,
 * serves in the main thread, and cannot do what `NATIVE_LIMITS` lists.
 */
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '@nydus/base/error'
import type { Bootstrap } from '@nydus/rafs-format'
import type { CompatAttrs } from '../attr.ts'
import type { BlobRangeReader } from '../blob-range-reader.ts'
import { detachAtExit } from '../detach-at-exit.ts'
import { errnoOf } from '../errno.ts'
import { createFileReader } from '../file-reader.ts'
import { FuseError } from '../fuse-error.ts'
import type { FuseEvent, FuseStats } from '../fuse-event.ts'
import { detachWithHelper } from '../fusermount.ts'
import { mountAt, readMounts } from '../mountpoint.ts'
import { createPathOps, type NativeOps } from './path-ops.ts'

/** What a mount through fuse-native lacks. In the `ready` event, so that users are told. */
export const NATIVE_LIMITS: readonly string[] = [
  'names and xattr names that are not UTF-8 cannot be opened',
  'times are cut to milliseconds, and those before 1970 become 1970',
  'no READDIRPLUS, no answers from several threads, no takeover by another process',
  'a too small xattr buffer gets EIO instead of ERANGE',
]

const ENDED_POLL_MS = 250
/** The package joins its options with commas, so those it has no name for travel with the last one. */
const MOUNT_OPTIONS = 'rafs,ro,nosuid,nodev,noatime,use_ino,hard_remove'
const CACHE_SECONDS = 2 ** 31 - 1

interface NativeMount {
  mount(done: (error: Error | null) => void): void
  unmount(done: (error: Error | null) => void): void
}
type NativeFuse = new (
  mountpoint: string,
  ops: NativeOps,
  options: Readonly<Record<string, unknown>>,
) => NativeMount

/** What to serve. */
export interface NativeMountOptions {
  readonly bootstrap: Bootstrap
  readonly compat: CompatAttrs | undefined
  readonly blobs: BlobRangeReader
  /** Real path. */
  readonly mountpoint: string
  readonly allowOther: boolean
  readonly onEvent: (event: FuseEvent) => void
  readonly signal: AbortSignal | undefined
}

/** A mount through fuse-native; the members are those of `RafsMount`. */
export interface NativeSession {
  unmount(): Promise<void>
  readonly closed: Promise<void>
  stats(): FuseStats
}

/**
 * Mounts through fuse-native.
 * @throws {FuseError} ERR_FUSE_BINDING_MISSING when it cannot be loaded, ERR_FUSE_MOUNT_FAILED when it does not mount.
 */
export async function mountNative(options: NativeMountOptions): Promise<NativeSession> {
  const { mountpoint, onEvent, bootstrap, blobs, signal } = options
  const Fuse = loadFuseNative()
  const stopping = new AbortController()
  const counts = { requests: 0, reads: 0, readBytes: 0, misses: 0, failures: 0, pending: 0 }
  const readFile = createFileReader({ bootstrap, blobs, signal: stopping.signal })
  const ops = createPathOps({
    ...{ bootstrap, rules: { rootNid: bootstrap.rootNid, compat: options.compat } },
    async readFile(nid, offset, target) {
      counts.reads += 1
      const part = await readFile(nid, offset, target.length)
      part.copyTo(target)
      counts.readBytes += part.length
      return part.length
    },
    onRequest() {
      counts.requests += 1
    },
    onFailure(operation, nid, error) {
      counts.failures += 1
      onEvent({
        kind: 'failure',
        operation,
        nid,
        errno: errnoOf(error),
        message: describeError(error),
        error,
      })
    },
  })
  const fuse = new Fuse(mountpoint, ops, {
    ...{
      defaultPermissions: true,
      kernelCache: true,
      timeout: false,
      allowOther: options.allowOther,
      fsname: MOUNT_OPTIONS,
    },
    ...{ entryTimeout: CACHE_SECONDS, attrTimeout: CACHE_SECONDS },
  })
  await called((done) => fuse.mount(done)).catch((cause) => {
    throw new FuseError('ERR_FUSE_MOUNT_FAILED', `fuse-native cannot mount ${mountpoint}`, { cause })
  })
  const device = mountAt(readMounts(), mountpoint)?.device
  const isOurs = (): boolean => mountAt(readMounts(), mountpoint)?.device === device
  onEvent({ kind: 'ready', protocol: 'fuse-native', workers: 0, limits: NATIVE_LIMITS })

  let wasUnmounted = false
  async function unmount(): Promise<void> {
    wasUnmounted = true
    if (isOurs()) await called((done) => fuse.unmount(done))
    await closed
  }
  const keepMount = detachAtExit(() => {
    if (isOurs()) detachWithHelper(mountpoint)
  })
  const onAbort = (): void => void unmount()
  signal?.addEventListener('abort', onAbort, { once: true })
  const closed = waitUntil(() => !isOurs()).then(() => {
    stopping.abort(new Error('the mount is closed'))
    keepMount()
    signal?.removeEventListener('abort', onAbort)
    onEvent({ kind: 'closed', reason: wasUnmounted ? 'unmounted' : 'kernel' })
  })
  return { closed, unmount, stats: () => ({ ...counts }) }
}

/** The package does not tell that its mount has ended. */
async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(ENDED_POLL_MS)
}

function called(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
}

/** Tells whether fuse-native can be loaded here. */
export function hasFuseNative(): boolean {
  try {
    loadFuseNative()
    return true
  } catch {
    return false
  }
}

function loadFuseNative(): NativeFuse {
  try {
    return createRequire(import.meta.url)('fuse-native') as NativeFuse
  } catch (cause) {
    throw new FuseError(
      'ERR_FUSE_BINDING_MISSING',
      `neither koffi nor fuse-native can be loaded on ${process.platform}-${process.arch}`,
      {
        cause,
        hint: 'install the package again with its optional dependencies, or use a platform that koffi supports',
      },
    )
  }
}
