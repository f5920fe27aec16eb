// SPDX-License-Identifier: Apache-2.0
/** Mounts that are served by the kernel alone: a small directory tree to mount images in, and a view of a directory. */
import { randomInt } from 'node:crypto'
import { closeSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { watchMounts } from './erofs/watch-mounts.ts'
import { FuseError } from './fuse-error.ts'
import { libc, MNT_DETACH, MS } from './libc.ts'
import { attachMount, createDetachedMount, MOUNT_ATTR } from './mount-calls.ts'
import { checkMountpoint, type MountEntry, mountAt, readMounts } from './mountpoint.ts'

/** A mounted directory. */
export interface PlainMount {
  /** Real path of the directory. */
  readonly mountpoint: string
  /** Takes the mount, and all mounts below it, out of the tree. Idempotent. */
  unmount(): Promise<void>
  /** Resolves when the mount is gone, whoever took it away. */
  readonly closed: Promise<void>
}

/** As for images: tools find mounts of this kind by it. */
const SOURCE = 'rafs'
/** Limits of a tree's own number; as a limit of inodes no tree comes near it. */
const TOKENS = [1 << 20, 1 << 30] as const
const MS_BIND = 4096
const MS_REMOUNT = 32
/** The kernel answers for a dead process at once; a living one may be slow. */
const DEAD_MS = 1000

/**
 * Mounts an empty tmpfs whose directories images can be mounted on. Needs root. A tree that a dead process has left at
 * `mountpoint` is taken away first; its images go with it.
 * @throws {FuseError} ERR_FUSE_MOUNT_FAILED when a living process has its tree there, ERR_FUSE_PERMISSION.
 */
export async function mountImageTree(mountpoint: string): Promise<PlainMount> {
  await detachLeftTree(mountpoint)
  const path = await checkMountpoint(mountpoint)
  const { NOSUID, NODEV, NOEXEC, NOATIME } = MOUNT_ATTR
  const token = randomInt(...TOKENS)
  const mountFd = createDetachedMount({
    type: 'tmpfs',
    parameters: [
      ['source', SOURCE],
      ['mode', '0755'],
      ['size', '16m'],
      ['nr_inodes', String(token)],
    ],
    attributes: NOSUID | NODEV | NOEXEC | NOATIME,
  })
  try {
    attachMount(mountFd, path)
  } finally {
    closeSync(mountFd)
  }
  return plainMount(path, own(token))
}

/** Shows the directory `source` read-only at `mountpoint`; mounts below `source` are not shown. Needs root. */
export async function mountReadOnlyView(source: string, mountpoint: string): Promise<PlainMount> {
  const path = await checkMountpoint(mountpoint)
  const { mount } = libc()
  const flags = MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOATIME
  if (mount(source, path, '', MS_BIND, '') < 0) throw failed(path)
  if (mount(source, path, '', MS_BIND | MS_REMOUNT | flags, '') < 0) {
    const error = failed(path)
    libc().umount2(path, MNT_DETACH)
    throw error
  }
  return plainMount(path, () => {})
}

/**
 * Takes a FUSE mount of ours away whose process is gone, so that its directory can be mounted on again. Anything else is
 * left alone.
 * @returns whether there was one.
 */
export async function detachDeadMount(mountpoint: string): Promise<boolean> {
  const found = mountAt(readMounts(), mountpoint)
  if (found?.source !== SOURCE || found.type !== 'fuse') return false
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, DEAD_MS, undefined).unref())
  const failure = await Promise.race([stat(mountpoint).then(() => undefined, errorCode), late])
  return failure === 'ENOTCONN' && libc().umount2(mountpoint, MNT_DETACH) === 0
}

function errorCode(error: NodeJS.ErrnoException): string | undefined {
  return error.code
}

/** Whoever listens at the tree's name lives. */
async function detachLeftTree(mountpoint: string): Promise<void> {
  const found = mountAt(readMounts(), mountpoint)
  if (found?.source !== SOURCE || found.type !== 'tmpfs') return
  const { files: token } = await statfs(mountpoint)
  if (await isOwned(token)) {
    throw new FuseError('ERR_FUSE_MOUNT_FAILED', `mountpoint ${mountpoint} belongs to a running daemon`, {
      details: { mountpoint },
      hint: 'choose another mountpoint, or end that daemon',
    })
  }
  libc().umount2(mountpoint, MNT_DETACH)
}

/**
 * A name that exists as long as this process: an abstract socket leaves no file behind, and unlike a lock in the tree it
 * does not make the tree busy. Device numbers are used again at once, so the tree carries a number of its own, where
 * anybody can ask for it: as the number of inodes that it may have.
 */
function ownName(token: number): string {
  return `\0nydus-image-tree-${token}`
}

function own(token: number): () => void {
  const server = createServer((socket) => socket.destroy())
  // Nothing but the protection against a second daemon depends on it.
  server.on('error', () => {})
  server.listen(ownName(token)).unref()
  return () => void server.close()
}

function isOwned(token: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(ownName(token))
    const settle = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

function plainMount(mountpoint: string, release: () => void): PlainMount {
  const device = mountAt(readMounts(), mountpoint)?.device
  const isThere = (mounts: readonly MountEntry[]): boolean => mountAt(mounts, mountpoint)?.device === device
  const closed = Promise.withResolvers<void>()
  let isOver = false
  const notice = (mounts: readonly MountEntry[]): void => {
    if (isOver || isThere(mounts)) return
    isOver = true
    endWatch()
    release()
    closed.resolve()
  }
  const endWatch = watchMounts(notice)
  return {
    mountpoint,
    closed: closed.promise,
    async unmount() {
      if (isThere(readMounts()) && libc().umount2(mountpoint, MNT_DETACH) < 0) throw failed(mountpoint)
      notice(readMounts())
    },
  }
}

function failed(path: string): FuseError {
  const name = getSystemErrorName(-libc().errno())
  const isDenied = name === 'EPERM' || name === 'EACCES'
  return new FuseError(
    isDenied ? 'ERR_FUSE_PERMISSION' : 'ERR_FUSE_MOUNT_FAILED',
    `mount or unmount of ${path} failed with ${name}`,
    { details: { path }, ...(isDenied ? { hint: 'run as root' } : {}) },
  )
}
