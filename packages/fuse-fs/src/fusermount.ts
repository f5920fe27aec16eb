// SPDX-License-Identifier: Apache-2.0
/**
 * Mounting without root through `fusermount3`: the setuid helper opens /dev/fuse, mounts, and sends the connected
 * descriptor over the UNIX socket whose number is in `_FUSE_COMMFD`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync } from 'node:fs'
import { FuseError } from './fuse-error.ts'
import { libc } from './libc.ts'
import type { KernelMountOptions } from './mount.ts'

const HELPER = 'fusermount3'
/** The number under which the helper finds its end of the socket. */
const SOCKET_STDIO = 3
const HELPER_DEADLINE_MS = 10_000

/**
 * Mounts through the helper.
 * @returns the connected descriptor, non-blocking.
 * @throws {FuseError} ERR_FUSE_PERMISSION when the helper is missing or refuses.
 */
export async function mountWithHelper(
  options: KernelMountOptions,
  source: string,
  maxRead: number,
): Promise<number> {
  const { socketpair, receiveDescriptor, setNonBlocking } = libc()
  const pair = socketpair()
  if (pair === undefined) throw new FuseError('ERR_FUSE_MOUNT_FAILED', 'no socket pair for fusermount3')
  const [ours, theirs] = pair
  try {
    const mountOptions = [
      ...[
        'ro',
        'nosuid',
        'nodev',
        'noatime',
        'default_permissions',
        `fsname=${source}`,
        `max_read=${maxRead}`,
      ],
      ...(options.allowOther ? ['allow_other'] : []),
    ].join(',')
    await runHelper(['-o', mountOptions, '--', options.mountpoint], theirs)
    const fd = receiveDescriptor(ours)
    if (fd >= 0) {
      setNonBlocking(fd)
      return fd
    }
    detachWithHelper(options.mountpoint)
    throw new FuseError(
      'ERR_FUSE_PERMISSION',
      `${HELPER} mounted ${options.mountpoint} but sent no descriptor`,
    )
  } finally {
    closeSync(ours)
    closeSync(theirs)
  }
}

/** Detaches a mount through the helper; one that is gone already is no error. */
export async function unmountWithHelper(mountpoint: string): Promise<void> {
  await runHelper(['-u', '-z', '-q', '--', mountpoint]).catch((cause: FuseError) => {
    if (/not (found|mounted)|no such file/i.test(cause.message)) return
    throw new FuseError('ERR_FUSE_UNMOUNT_BUSY', `unmount of ${mountpoint} failed`, {
      cause,
      retryable: true,
      hint: `${HELPER} -u -z ${mountpoint}`,
    })
  })
}

/** Detaches a mount through the helper before the process exits; errors are not told. */
export function detachWithHelper(mountpoint: string): void {
  spawnSync(HELPER, ['-u', '-z', '-q', '--', mountpoint], { stdio: 'ignore', timeout: HELPER_DEADLINE_MS })
}

async function runHelper(args: readonly string[], socket?: number): Promise<void> {
  const child = spawn(HELPER, args, {
    stdio: ['ignore', 'ignore', 'pipe', ...(socket === undefined ? [] : [socket])],
    env: { ...process.env, _FUSE_COMMFD: String(SOCKET_STDIO) },
    timeout: HELPER_DEADLINE_MS,
  })
  const output: Buffer[] = []
  child.stderr?.on('data', (bytes: Buffer) => output.push(bytes))
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => reject(refused(`${HELPER} cannot be started`, cause)))
    child.once('close', resolve)
  })
  if (status !== 0)
    throw refused(`${HELPER} failed: ${Buffer.concat(output).toString().trim().slice(0, 300)}`)
}

function refused(message: string, cause?: unknown): FuseError {
  return new FuseError('ERR_FUSE_PERMISSION', message, {
    cause,
    hint: 'mount as root, or install fuse3 and let this user open /dev/fuse; allow_other needs user_allow_other in /etc/fuse.conf',
  })
}
