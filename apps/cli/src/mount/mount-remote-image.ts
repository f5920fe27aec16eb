// SPDX-License-Identifier: Apache-2.0
/** A Nydus image in a store → a mounted directory: manifest and bootstrap layer now, chunks when they are read. */
import { stat } from 'node:fs/promises'
import { NydusError } from '@nydus/base/error'
import { readBootstrapLayer, readImageDocuments } from '@nydus/checker'
import { type ImageEvent, type MountedImage, mountImage, storeBackend } from '@nydus/daemon'
import {
  type CredentialSource,
  dockerCredentials,
  openImageStore,
  parsePlatform,
} from '@nydus/registry-client'

/** What to mount and where. */
export interface MountRemoteOptions {
  /** A registry reference, `oci:DIR[:tag]` or `oci-archive:FILE[:tag]` of a Nydus image. */
  readonly image: string
  /** An existing directory. */
  readonly mountpoint: string
  /** Directory of the blob cache; made if missing. */
  readonly cacheDir: string
  readonly insecure?: boolean
  readonly plainHttp?: boolean
  /** Default: Docker's configuration and credential helpers. */
  readonly credentials?: CredentialSource
  /** Which image of an index, default `linux` on this machine's architecture. */
  readonly platform?: string
  readonly onEvent?: (event: ImageEvent) => void
  /** Aborting ends the reading of the image with the signal's reason; once the kernel was asked to mount, it unmounts. */
  readonly signal?: AbortSignal
}

/** A mounted image and what it is. */
export interface MountedRemoteImage extends MountedImage {
  /** Full reference. */
  readonly reference: string
  /** Bytes of all blobs: what a full download would fetch. */
  readonly blobBytes: number
}

/**
 * Mounts an image. Its blobs' meta files come with the bootstrap layer, so nothing else is fetched before a read.
 * @throws {NydusError} ERR_IMAGE_NOT_NYDUS, ERR_FUSE_MOUNT_FAILED for a mountpoint that is missing or no directory, and
 *   what the store and `mountImage` throw.
 */
export async function mountRemoteImage(options: MountRemoteOptions): Promise<MountedRemoteImage> {
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  await checkMountpoint(options.mountpoint)
  const store = openImageStore(options.image, {
    insecure: options.insecure ?? false,
    plainHttp: options.plainHttp ?? false,
    credentials: options.credentials ?? dockerCredentials({}),
  })
  try {
    const platform = parsePlatform(options.platform ?? `linux/${process.arch}`)
    const image = await readImageDocuments(store, { platform, prefer: 'nydus', ...signal })
    const descriptor = image.manifest.layers.at(-1)
    if (image.kind !== 'nydus' || descriptor === undefined) {
      throw new NydusError('ERR_IMAGE_NOT_NYDUS', `${store.reference} is not a Nydus image`, {
        hint: 'convert it first: nydus convert --source IMAGE --target IMAGE',
      })
    }
    const layer = await readBootstrapLayer(store, descriptor, options.signal)
    options.signal?.throwIfAborted()
    // Without the signal: from here on an interruption is the end of a mount, not a mount that failed.
    const mounted = await mountImage({
      bootstrap: layer.bootstrap,
      backend: storeBackend(store, true),
      cacheDir: options.cacheDir,
      mountpoint: options.mountpoint,
      metaFiles: layer.blobMetas,
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    })
    const blobBytes = image.manifest.layers.slice(0, -1).reduce((sum, { size }) => sum + size, 0)
    const closed = closedOrAborted(mounted, options.signal)
    return { ...mounted, closed, reference: store.reference, blobBytes }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Unmounts when `signal` fires. @returns `mounted.closed`, which rejects when that unmounting fails. */
function closedOrAborted(mounted: MountedImage, signal: AbortSignal | undefined): Promise<void> {
  const failed = Promise.withResolvers<void>()
  const unmount = () => void mounted.unmount().catch(failed.reject)
  if (signal?.aborted) unmount()
  else signal?.addEventListener('abort', unmount, { once: true })
  const closed = mounted.closed.finally(() => signal?.removeEventListener('abort', unmount))
  const either = Promise.race([closed, failed.promise])
  // Whoever waits hears of a failure; nobody has to.
  either.catch(() => {})
  return either
}

async function checkMountpoint(path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new NydusError(
      'ERR_FUSE_MOUNT_FAILED',
      `mountpoint ${path} cannot be used: ${(cause as Error).message}`,
      {
        cause,
        hint: 'make the directory first',
      },
    )
  })
  if (!found.isDirectory())
    throw new NydusError('ERR_FUSE_MOUNT_FAILED', `mountpoint ${path} is not a directory`)
}
