// SPDX-License-Identifier: Apache-2.0
/**
 * The mount API of Linux 5.2 and later: fsopen(2), fsconfig(2), fsmount(2), move_mount(2). mount(2) has a page for its
 * options, which sixty `device=` paths exceed, and mount(8) loops files that the kernel can read by itself.
 */
import { getSystemErrorName } from 'node:util'
import { FuseError } from './fuse-error.ts'
import { type Libc, libc, loadKoffi, type NativeCall } from './libc.ts'

/** One parameter of a file system: a flag has no value. */
export type MountParameter = readonly [name: string, value?: string]

/** What to create. */
export interface FileSystemSpec {
  readonly type: string
  readonly parameters: readonly MountParameter[]
  /** MOUNT_ATTR. */
  readonly attributes: number
}

/** Attributes of fsmount(2). */
export const MOUNT_ATTR = { RDONLY: 1, NOSUID: 2, NODEV: 4, NOEXEC: 8, NOATIME: 0x10 } as const

/** The same numbers on every architecture. */
const SYS = { MOVE_MOUNT: 429, FSOPEN: 430, FSCONFIG: 431, FSMOUNT: 432 } as const
const FSOPEN_CLOEXEC = 1
const FSMOUNT_CLOEXEC = 1
const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, CMD_CREATE: 6 } as const
const MOVE_MOUNT_F_EMPTY_PATH = 4
const AT_FDCWD = -100
const POSIX_FADV_DONTNEED = 4
/** Longest message of the kernel's log of a file system context. */
const MESSAGE_BYTES = 1024

interface MountCalls {
  readonly calls: Libc
  fsopen(type: string): number
  fsconfig(context: number, command: number, name: string | null, value: string | null): number
  fsmount(context: number, attributes: number): number
  moveMount(mountFd: number, target: string): number
  fadvise: NativeCall
}

let bound: MountCalls | undefined

function mountCalls(): MountCalls {
  if (bound !== undefined) return bound
  const library = loadKoffi().load(null)
  const fsopen = library.func('syscall', 'long', ['long', 'str', 'uint'])
  const fsconfig = library.func('syscall', 'long', ['long', 'int', 'uint', 'str', 'str', 'int'])
  const fsmount = library.func('syscall', 'long', ['long', 'int', 'uint', 'uint'])
  const moveMount = library.func('syscall', 'long', ['long', 'int', 'str', 'int', 'str', 'uint'])
  bound = {
    calls: libc(),
    fsopen: (type) => fsopen(SYS.FSOPEN, type, FSOPEN_CLOEXEC),
    fsconfig: (context, command, name, value) => fsconfig(SYS.FSCONFIG, context, command, name, value, 0),
    fsmount: (context, attributes) => fsmount(SYS.FSMOUNT, context, FSMOUNT_CLOEXEC, attributes),
    moveMount: (mountFd, target) =>
      moveMount(SYS.MOVE_MOUNT, mountFd, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH),
    fadvise: library.func('int posix_fadvise(int, int64_t, int64_t, int)'),
  }
  return bound
}

/**
 * Creates a file system that is mounted nowhere yet: `/proc/self/fd/N/…` leads into it.
 * @returns a descriptor of the mount; the file system goes when it is closed, unless it was attached.
 * @throws {FuseError} ERR_FUSE_MOUNT_FAILED with `details.errno` and what the kernel says about it,
 *   ERR_FUSE_PERMISSION for EPERM, ERR_FUSE_BINDING_MISSING.
 */
export function createDetachedMount(spec: FileSystemSpec): number {
  const { calls, fsopen, fsconfig, fsmount } = mountCalls()
  const context = fsopen(spec.type)
  if (context < 0) throw mountFailure(spec.type, 'fsopen', calls.errno(), '')
  try {
    for (const [name, value] of spec.parameters) {
      const command = value === undefined ? FSCONFIG.SET_FLAG : FSCONFIG.SET_STRING
      if (fsconfig(context, command, name, value ?? null) < 0)
        throw failureOf(spec.type, name, context, calls)
    }
    if (fsconfig(context, FSCONFIG.CMD_CREATE, null, null) < 0)
      throw failureOf(spec.type, 'create', context, calls)
    const mountFd = fsmount(context, spec.attributes)
    if (mountFd < 0) throw failureOf(spec.type, 'fsmount', context, calls)
    return mountFd
  } finally {
    calls.close(context)
  }
}

/**
 * Attaches a detached mount at `target`, an existing directory. The descriptor stays open.
 * @throws {FuseError} ERR_FUSE_MOUNT_FAILED, ERR_FUSE_PERMISSION.
 */
export function attachMount(mountFd: number, target: string): void {
  const { calls, moveMount } = mountCalls()
  if (moveMount(mountFd, target) < 0) throw mountFailure(target, 'move_mount', calls.errno(), '')
}

/**
 * Takes a file out of the page cache, but for pages that are in use. In a pool thread: it takes about a millisecond for
 * every ten megabytes. One file after the other: there are few pool threads, and koffi refuses more than some hundred
 * calls at a time. Never rejects, only memory is at stake.
 */
export function dropFromPageCache(fd: number): Promise<void> {
  lastDrop = lastDrop.then(
    () =>
      new Promise((resolve) => mountCalls().fadvise.async(fd, 0, 0, POSIX_FADV_DONTNEED, () => resolve())),
  )
  return lastDrop
}

let lastDrop: Promise<void> = Promise.resolve()

function failureOf(type: string, step: string, context: number, calls: Libc): FuseError {
  const errno = calls.errno()
  return mountFailure(type, step, errno, readMessages(context, calls))
}

/** What the kernel wrote into the log of the context, one line. */
function readMessages(context: number, calls: Libc): string {
  const messages: string[] = []
  const buffer = new Uint8Array(MESSAGE_BYTES)
  for (;;) {
    const length = calls.read(context, buffer, buffer.length)
    if (length <= 0) return messages.join('; ')
    messages.push(Buffer.from(buffer.subarray(0, length)).toString('utf8').trim())
  }
}

function mountFailure(what: string, step: string, errno: number, messages: string): FuseError {
  const name = getSystemErrorName(-errno)
  const isDenied = name === 'EPERM' || name === 'EACCES'
  return new FuseError(
    isDenied ? 'ERR_FUSE_PERMISSION' : 'ERR_FUSE_MOUNT_FAILED',
    `mounting ${what} failed at ${step} with ${name}${messages === '' ? '' : `: ${messages}`}`,
    { details: { what, step, errno }, ...(isDenied ? { hint: 'run as root' } : {}) },
  )
}
