// SPDX-License-Identifier: Apache-2.0
/** A bootstrap and a backend become a mounted directory. */

import { open } from 'node:fs/promises'
import { shareBytes } from '@nydus/base/binary'
import { isNydusError } from '@nydus/base/error'
import type { CacheStorage, FetchReport } from '@nydus/chunk-cache'
import type { FileAccess, FuseEvent, FuseStats, RafsMount } from '@nydus/fuse-fs'
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import { type BackendConfig, openBackend } from './backends.ts'
import { DaemonError } from './daemon-error.ts'
import type { DataPlane } from './data-planes.ts'
import type { ErofsPlane } from './erofs-plane.ts'
import type { ImageBackend } from './image-backend.ts'
import { mountPlane, type PlaneMount } from './mount-plane.ts'
import { type FullReport, type WiredImage, wireImage } from './wire-image.ts'

/** What happens while an image is mounted. */
export type ImageEvent =
  /** Stored bytes came from the backend. */
  | ({ readonly kind: 'fetch' } & FetchReport)
  /** `auto` had to take the slower plane. */
  | { readonly kind: 'plane'; readonly plane: 'fuse'; readonly reason: string }
  /** The cache directory is full: reads go on, but fetch again and again. Told once a blob. */
  | ({ readonly kind: 'full' } & FullReport)
  | FuseEvent

/** What to mount and how. */
export interface MountImageOptions {
  /** The bootstrap's bytes, or the path of its file. */
  readonly bootstrap: Uint8Array | string
  /** Where the blobs are: the daemon's configuration of a backend, or a ready one. It is closed with the mount, or when mounting fails. */
  readonly backend: BackendConfig | ImageBackend
  /** Directory of the blob cache; created when missing; may be shared with other mounts and with the original's daemon. */
  readonly cacheDir: string
  /** An existing directory. */
  readonly mountpoint: string
  /** Contents of the `<blob id>.blob.meta` files of the bootstrap layer, by blob id. */
  readonly metaFiles?: ReadonlyMap<string, Uint8Array>
  /** Stored bytes that one miss may fetch. Default 1 MiB. */
  readonly amplifyBytes?: number
  /** Check chunks by digest even where that takes fetching the digests from the blob. */
  readonly validate?: boolean
  /** How chunks are kept in the cache directory. Default: plain, which is the fastest. */
  readonly storage?: CacheStorage
  /** RAFS v5: keep in memory only what the cache directory holds, and find it out by digest. */
  readonly volatileMap?: boolean
  /** Id of the blob that the bootstrap came out of, for layers that refer to an OCI layer and were not merged. */
  readonly bootstrapBlobId?: string
  /** Threads that answer the kernel. */
  readonly workers?: number
  /** Default `fuse`; `auto` takes the kernel's EROFS where it can be had. */
  readonly dataPlane?: DataPlane
  /** Shared by the images of a process; made and closed with the image if missing. */
  readonly erofsPlane?: ErofsPlane
  /** Users other than the mounting one may use the mount. Default: when root mounts. */
  readonly allowOther?: boolean
  /** Show attributes as the original's daemon does where it deviates from the image. */
  readonly compatAttrs?: boolean
  /** Told of everything that happens, in this thread; must not throw. */
  readonly onEvent?: (event: ImageEvent) => void
  /** Told of every answered request of a file; fuse plane only, and costs time. */
  readonly onAccess?: (access: FileAccess) => void
  /** Aborting undoes a mount that is under way, and unmounts one that is there. */
  readonly signal?: AbortSignal
}

/** A mounted image. */
export interface MountedImage {
  /** Real path of the directory. */
  readonly mountpoint: string
  readonly dataPlane: 'erofs' | 'fuse'
  /** How the kernel is talked to. */
  readonly transport: RafsMount['transport']
  readonly bootstrap: Bootstrap
  /** Unmounts, ends all fetches and persists the cache. Idempotent. @throws {FuseError} ERR_FUSE_UNMOUNT_BUSY */
  unmount(): Promise<void>
  /** Resolves when the mount is gone and the cache is closed, whoever unmounted it. */
  readonly closed: Promise<void>
  stats(): { readonly fuse: FuseStats; readonly blobs: ReturnType<WiredImage['stats']> }
}

/** The original's reader has the same limit. */
const MAX_BOOTSTRAP_BYTES = 2 ** 31 - 1

/**
 * Mounts an image. Nothing is fetched before something is read. Do not touch the mount with synchronous file calls from
 * the thread that made it.
 * @throws {FormatError} when the bootstrap is damaged or uses something this version cannot read.
 * @throws {FuseError} when the mountpoint cannot be used, or mounting is not allowed.
 * @throws {DaemonError} ERR_CONFIG_INVALID when backend or bootstrap file cannot be used.
 * @example
 * const image = await mountImage({ bootstrap: 'image.boot', backend, cacheDir: 'cache', mountpoint: '/mnt/image' })
 * await image.closed
 */
export async function mountImage(options: MountImageOptions): Promise<MountedImage> {
  const { signal, onEvent } = options
  const backend = 'sourceOf' in options.backend ? options.backend : openBackend(options.backend)
  let image: WiredImage | undefined
  try {
    signal?.throwIfAborted()
    const bytes = await loadBootstrap(options.bootstrap)
    const bootstrap = openBootstrap(bytes)
    image = wireImage({
      ...options,
      bootstrap,
      backend,
      onFetch: (report) => onEvent?.({ kind: 'fetch', ...report }),
      onFull: (report) => onEvent?.({ kind: 'full', ...report }),
    })
    const mount = await mountPlane(options, bootstrap, image)
    return mountedImage(mount, bootstrap, image)
  } catch (error) {
    // What went wrong first counts.
    await (image ?? backend).close().catch(() => {})
    throw error
  }
}

function mountedImage(mount: PlaneMount, bootstrap: Bootstrap, image: WiredImage): MountedImage {
  const closed = mount.closed.then(() => image.close())
  // Whoever waits hears of a failure; nobody has to.
  closed.catch(() => {})
  return {
    mountpoint: mount.mountpoint,
    dataPlane: mount.dataPlane,
    transport: mount.transport,
    bootstrap,
    closed,
    async unmount() {
      await mount.unmount()
      await closed
    },
    stats: () => ({ fuse: mount.stats(), blobs: image.stats() }),
  }
}

/** The bootstrap in shared memory, where the threads that answer the kernel read it. */
async function loadBootstrap(bootstrap: Uint8Array | string): Promise<Uint8Array> {
  if (typeof bootstrap !== 'string') return shareBytes(bootstrap)
  try {
    return await readShared(bootstrap)
  } catch (cause) {
    if (isNydusError(cause)) throw cause
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    throw new DaemonError(
      'ERR_CONFIG_INVALID',
      `bootstrap ${bootstrap} ${missing ? 'does not exist' : 'cannot be read'}`,
      {
        cause,
        details: { bootstrap },
        hint: 'give the path of image.boot',
      },
    )
  }
}

async function readShared(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > MAX_BOOTSTRAP_BYTES) {
      throw new DaemonError(
        'ERR_CONFIG_INVALID',
        `bootstrap ${path} has ${size} bytes, at most ${MAX_BOOTSTRAP_BYTES} are possible`,
      )
    }
    const bytes = new Uint8Array(new SharedArrayBuffer(size))
    for (let done = 0; done < size; ) {
      const { bytesRead } = await file.read(bytes, done, size - done, done)
      if (bytesRead === 0) return bytes.subarray(0, done)
      done += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}
