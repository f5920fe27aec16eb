// SPDX-License-Identifier: Apache-2.0
/** A wired image is mounted: by the kernel's EROFS over blob devices, or by FUSE workers that answer every request. */
import { mountErofs, mountRafs, type RafsMount } from '@nydus/fuse-fs'
import type { Bootstrap } from '@nydus/rafs-format'
import { createErofsPlane, type ErofsPlane } from './erofs-plane.ts'
import type { MountImageOptions } from './mount-image.ts'
import type { WiredImage } from './wire-image.ts'

/** A mount in either plane. */
export type PlaneMount = RafsMount & { readonly dataPlane: 'erofs' | 'fuse' }

/**
 * Mounts in the plane that `options.dataPlane` asks for.
 * @throws {FuseError} when mounting fails; {DaemonError} when erofs is wanted and cannot be had.
 */
export async function mountPlane(
  options: MountImageOptions,
  bootstrap: Bootstrap,
  image: WiredImage,
): Promise<PlaneMount> {
  const { erofsPlane: shared, onEvent, mountpoint } = options
  const plane = shared ?? createErofsPlane({ ...(onEvent && { onEvent }) })
  const choice = await plane.choose(options.dataPlane ?? 'fuse', bootstrap)
  if (choice.plane === 'erofs') {
    try {
      return await mountInKernel(options, { plane, isOwn: shared === undefined, bootstrap, image })
    } catch (error) {
      if (shared === undefined) await plane.close()
      throw error
    }
  }
  if (choice.reason !== undefined) onEvent?.({ kind: 'plane', plane: 'fuse', reason: choice.reason })
  const { bytes } = bootstrap
  const mount = await mountRafs({ bootstrap: bytes, blobs: image, mountpoint, ...fuseOptions(options) })
  return { ...mount, dataPlane: 'fuse' }
}

async function mountInKernel(
  { bootstrap: source, mountpoint, onEvent, signal }: MountImageOptions,
  parts: {
    readonly plane: ErofsPlane
    readonly isOwn: boolean
    readonly bootstrap: Bootstrap
    readonly image: WiredImage
  },
): Promise<PlaneMount> {
  const { plane, isOwn, bootstrap, image } = parts
  const devices = await plane.devices()
  const file = typeof source === 'string' ? { bootstrapFile: source } : {}
  const mount = await mountErofs({ bootstrap, devices, blobs: image, mountpoint, ...file })
  const onAbort = (): void => void mount.unmount().catch(() => {})
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  const closed = Promise.race([mount.closed, devices.closed]).then(async () => {
    signal?.removeEventListener('abort', onAbort)
    if (isOwn) await plane.close()
    else onEvent?.({ kind: 'closed', reason: 'unmounted' })
  })
  return { ...mount, closed, stats: devices.stats, transport: 'dev-fuse', dataPlane: 'erofs' }
}

type FuseOptions = Pick<
  Parameters<typeof mountRafs>[0],
  'workers' | 'allowOther' | 'compatAttrs' | 'onEvent' | 'onAccess' | 'signal'
>

function fuseOptions({
  workers,
  allowOther,
  compatAttrs,
  onEvent,
  onAccess,
  signal,
}: MountImageOptions): FuseOptions {
  return {
    ...(workers === undefined ? {} : { workers }),
    // Others than root may only allow it where /etc/fuse.conf says so.
    allowOther: allowOther ?? process.geteuid?.() === 0,
    ...(compatAttrs === undefined ? {} : { compatAttrs }),
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(onAccess === undefined ? {} : { onAccess }),
    ...(signal === undefined ? {} : { signal }),
  }
}
