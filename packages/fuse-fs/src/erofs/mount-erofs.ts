// SPDX-License-Identifier: Apache-2.0
/**
 * The second data plane: the kernel mounts the bootstrap as EROFS and reads files, directories and attributes by
 * itself; blob devices give it the data. Metadata never reaches us, and neither does what the page cache holds.
 */
import { closeSync } from 'node:fs'
import { alignUp } from '@nydus/base/binary'
import { isNydusError } from '@nydus/base/error'
import { type Bootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import type { BlobRangeReader } from '../blob-range-reader.ts'
import type { BlobDevice, BlobDevices } from '../devices/blob-devices.ts'
import { FuseError } from '../fuse-error.ts'
import { libc, MNT_DETACH } from '../libc.ts'
import { attachMount, createDetachedMount, MOUNT_ATTR, type MountParameter } from '../mount-calls.ts'
import { checkMountpoint, type MountEntry, mountAt, readMounts } from '../mountpoint.ts'
import { watchMounts } from './watch-mounts.ts'

/** What to mount and where. */
export interface MountErofsOptions {
  readonly bootstrap: Bootstrap
  /** File of the same bytes; without it, or where the kernel cannot read it (overlayfs), a device shows them. */
  readonly bootstrapFile?: string
  /** The process's blob devices. */
  readonly devices: BlobDevices
  readonly blobs: BlobRangeReader
  /** Decoded blob file that is complete and verified, by blob index: the kernel reads it without us. */
  readonly completeFile?: (blobIndex: number) => string | undefined
  /** An existing directory. */
  readonly mountpoint: string
}

/** An image that the kernel serves. */
export interface ErofsMount {
  /** Real path of the directory. */
  readonly mountpoint: string
  /** Takes the mount out of the tree; files that are open stay readable. Idempotent. */
  unmount(): Promise<void>
  /**
   * Resolves when the mount is gone, whoever took it away, and the kernel needs none of the devices any more: then the
   * blobs may be closed.
   */
  readonly closed: Promise<void>
}

const ENOTBLK = 15

/**
 * Mounts a RAFS v6 image with the kernel's EROFS. Needs root.
 * @throws {FuseError} ERR_FUSE_MOUNT_FAILED with what the kernel says, ERR_FUSE_PERMISSION.
 */
export async function mountErofs(options: MountErofsOptions): Promise<ErofsMount> {
  const mountpoint = await checkMountpoint(options.mountpoint)
  const devices = options.bootstrap.blobs.map((_, blobIndex) => deviceOf(options, blobIndex))
  const opened = devices.flatMap(({ device }) => (device === undefined ? [] : [device]))
  try {
    const paths = devices.map(({ path }) => path)
    const { mountFd, primary } = createMount(options, paths)
    if (primary !== undefined) opened.push(primary)
    try {
      attachMount(mountFd, mountpoint)
    } finally {
      closeSync(mountFd)
    }
  } catch (error) {
    for (const device of opened) device.remove()
    throw error
  }
  return mountedErofs(mountpoint, opened)
}

function mountedErofs(mountpoint: string, opened: readonly BlobDevice[]): ErofsMount {
  const number = mountAt(readMounts(), mountpoint)?.device
  const isAmong = (mounts: readonly MountEntry[]): boolean => mountAt(mounts, mountpoint)?.device === number
  const unmounted = Promise.withResolvers<void>()
  const noticeChange = (mounts: readonly MountEntry[]): void => {
    if (isAmong(mounts)) return
    endWatch()
    unmounted.resolve()
  }
  const endWatch = watchMounts(noticeChange)
  const released = Promise.all(opened.map((device) => device.released)).then(() => {
    for (const device of opened) device.remove()
  })
  return {
    mountpoint,
    closed: Promise.all([unmounted.promise, released]).then(() => {}),
    async unmount() {
      if (isAmong(readMounts())) detach(mountpoint)
      noticeChange(readMounts())
    },
  }
}

function detach(mountpoint: string): void {
  const { umount2, errno } = libc()
  if (umount2(mountpoint, MNT_DETACH) === 0) return
  throw new FuseError('ERR_FUSE_UNMOUNT_BUSY', `unmount of ${mountpoint} failed with errno ${errno()}`, {
    details: { mountpoint },
    retryable: true,
    hint: `umount -l ${mountpoint}`,
  })
}

interface DevicePath {
  readonly path: string
  readonly device?: BlobDevice
}

function deviceOf(
  { bootstrap, blobs, devices, completeFile }: MountErofsOptions,
  blobIndex: number,
): DevicePath {
  const file = completeFile?.(blobIndex)
  if (file !== undefined) return { path: file }
  const size = alignUp(bootstrap.blobs[blobIndex]?.uncompressedSize ?? 0, bootstrap.blockSize)
  const device = devices.add({ blobs, blobIndex, size })
  return { path: device.path, device }
}

function createMount(
  options: MountErofsOptions,
  devicePaths: readonly string[],
): { readonly mountFd: number; readonly primary?: BlobDevice } {
  const { bootstrapFile } = options
  if (bootstrapFile !== undefined) {
    try {
      return { mountFd: createErofs(bootstrapFile, devicePaths) }
    } catch (error) {
      if (!isNotBlock(error)) throw error
    }
  }
  const { bytes } = options.bootstrap
  const primary = options.devices.add({ content: bytes, size: bytes.length })
  try {
    return { mountFd: createErofs(primary.path, devicePaths), primary }
  } catch (error) {
    primary.remove()
    throw error
  }
}

function createErofs(source: string, devicePaths: readonly string[]): number {
  const parameters: readonly MountParameter[] = [
    ['source', source],
    ['ro'],
    ...devicePaths.map((path) => ['device', path] as const),
  ]
  const { RDONLY, NOSUID, NODEV, NOATIME } = MOUNT_ATTR
  return createDetachedMount({ type: 'erofs', parameters, attributes: RDONLY | NOSUID | NODEV | NOATIME })
}

/** What the kernel answers for a file on a stacked file system. */
function isNotBlock(error: unknown): boolean {
  return isNydusError(error) && error.details.errno === ENOTBLK
}

/** Tells whether the kernel can mount such an image; the reason why not, for people, or undefined. */
export function whyNotErofs(bootstrap: Bootstrap): string | undefined {
  if (bootstrap.fsVersion !== 6) return 'the image is RAFS v5'
  if ((bootstrap.flags & SUPER_FLAGS.TARFS_MODE) !== 0n) return 'the image is tarfs with 512-byte blocks'
  return undefined
}
