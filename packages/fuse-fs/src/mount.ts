// SPDX-License-Identifier: Apache-2.0
/** Mounting and unmounting: mount(2) where the process may, the setuid helper `fusermount3` where it may not. */
import { closeSync, constants, openSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { createRequestBuffer } from './dispatch.ts'
import { ERRNO } from './errno.ts'
import { FuseError } from './fuse-error.ts'
import { detachWithHelper, mountWithHelper, unmountWithHelper } from './fusermount.ts'
import { libc, MNT_DETACH, MS } from './libc.ts'
import { mountAt, readMounts } from './mountpoint.ts'

const FUSE_DEVICE = '/dev/fuse'
/** Tools find mounts of this kind by this source name. */
const MOUNT_SOURCE = 'rafs'
/** `max_read` of the mount: 1 MiB and one page. */
const MOUNT_MAX_READ = 1_052_672

/** How to mount. */
export interface KernelMountOptions {
  /** Real path of the directory. */
  readonly mountpoint: string
  /** Other users may use the mount. Without root this needs `user_allow_other` in /etc/fuse.conf. */
  readonly allowOther: boolean
}

/** A descriptor that is connected to a mount; INIT waits on it. */
export interface KernelMount {
  readonly fd: number
  /** Detaches the mount from the tree if it is still there; another mount in its place is left alone. Idempotent. */
  unmount(): Promise<void>
  /** The same, synchronously and without errors, for a process that exits. */
  detachNow(): void
}

/**
 * Mounts.
 * @throws {FuseError} ERR_FUSE_PERMISSION when neither the process nor fusermount3 may mount, ERR_FUSE_MOUNT_FAILED else.
 */
export async function mountFuse(options: KernelMountOptions): Promise<KernelMount> {
  const { mountpoint } = options
  const direct = process.geteuid?.() === 0 ? mountDirectly(options) : undefined
  const fd = direct ?? (await mountWithHelper(options, MOUNT_SOURCE, MOUNT_MAX_READ))
  const device = mountAt(readMounts(), mountpoint)?.device
  const isThere = (): boolean => !isUnmounted(fd) && mountAt(readMounts(), mountpoint)?.device === device
  const isDirect = direct !== undefined
  return {
    fd,
    async unmount() {
      if (!isThere()) return
      if (isDirect) unmountDirectly(mountpoint)
      else await unmountWithHelper(mountpoint)
    },
    detachNow() {
      if (!isThere()) return
      if (isDirect) libc().umount2(mountpoint, MNT_DETACH)
      else detachWithHelper(mountpoint)
    },
  }
}

/**
 * Tells whether the kernel has given the mount up. Device numbers are used again at once, so a mount with our number is
 * ours only while our connection lives, or was aborted, which leaves the mount where it is.
 */
function isUnmounted(fd: number): boolean {
  const { hasEnded, read, errno } = libc()
  if (!hasEnded(fd)) return false
  const { bytes } = createRequestBuffer()
  return read(fd, bytes, bytes.length) < 0 && errno() !== ERRNO.ECONNABORTED
}

/** The connected descriptor, or undefined when mount(2) is not allowed here. */
function mountDirectly({ mountpoint, allowOther }: KernelMountOptions): number | undefined {
  const fd = openFuseDevice()
  const options = [
    'default_permissions',
    `fd=${fd}`,
    'rootmode=40000',
    `user_id=${process.geteuid?.() ?? 0}`,
    `group_id=${process.getegid?.() ?? 0}`,
    `max_read=${MOUNT_MAX_READ}`,
    ...(allowOther ? ['allow_other'] : []),
  ].join(',')
  const { mount, errno } = libc()
  if (mount(MOUNT_SOURCE, mountpoint, 'fuse', MS.NOSUID | MS.NODEV | MS.NOATIME | MS.RDONLY, options) === 0)
    return fd
  const failure = errno()
  closeSync(fd)
  if (failure === ERRNO.EPERM) return undefined
  throw new FuseError('ERR_FUSE_MOUNT_FAILED', `mount of ${mountpoint} failed with ${errnoName(failure)}`, {
    details: { mountpoint, errno: failure },
    hint: failure === ERRNO.ENODEV ? 'load the fuse module: modprobe fuse' : 'see the kernel log: dmesg',
  })
}

/** @throws {FuseError} ERR_FUSE_PERMISSION, ERR_FUSE_MOUNT_FAILED when there is no usable device. */
export function openFuseDevice(): number {
  try {
    return openSync(FUSE_DEVICE, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') {
      throw new FuseError('ERR_FUSE_PERMISSION', `${FUSE_DEVICE} cannot be opened: ${code}`, {
        cause,
        hint: 'run as root, or let this user open /dev/fuse; in a container add --device /dev/fuse',
      })
    }
    throw new FuseError(
      'ERR_FUSE_MOUNT_FAILED',
      `${FUSE_DEVICE} cannot be opened: ${code ?? 'unknown error'}`,
      {
        cause,
        hint: 'load the fuse module: modprobe fuse; in a container add --device /dev/fuse',
      },
    )
  }
}

function unmountDirectly(mountpoint: string): void {
  const { umount2, errno } = libc()
  if (umount2(mountpoint, MNT_DETACH) === 0) return
  const failure = errno()
  // Not a mountpoint any more, or gone: somebody else has unmounted it.
  if (failure === ERRNO.EINVAL || failure === ERRNO.ENOENT) return
  throw new FuseError('ERR_FUSE_UNMOUNT_BUSY', `unmount of ${mountpoint} failed with ${errnoName(failure)}`, {
    details: { mountpoint, errno: failure },
    retryable: true,
    hint: `umount -l ${mountpoint}`,
  })
}

function errnoName(errno: number): string {
  return getSystemErrorName(-errno)
}
