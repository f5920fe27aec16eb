// SPDX-License-Identifier: Apache-2.0
/** What may be mounted on: an existing directory that no FUSE or EROFS file system covers already. */
import { readFileSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { FuseError } from './fuse-error.ts'

/** One line of `/proc/self/mountinfo`. */
export interface MountEntry {
  /** `major:minor` of the file system; FUSE connections are named by the minor. */
  readonly device: string
  readonly path: string
  readonly type: string
  readonly source: string
}

/** Mounts of this process's namespace, the topmost of each path last. */
export function readMounts(): readonly MountEntry[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
}

/** Parses the text of `/proc/self/mountinfo`; lines that are not understood are left out. */
export function parseMountInfo(text: string): readonly MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [head, tail] = line.split(' - ', 2)
    const [, , device, , path] = head?.split(' ') ?? []
    const [type, source] = tail?.split(' ') ?? []
    if (device === undefined || path === undefined || type === undefined) return []
    return [{ device, path: unescapeOctal(path), type, source: unescapeOctal(source ?? '') }]
  })
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The mount that is seen at exactly `path`, if there is one. */
export function mountAt(mounts: readonly MountEntry[], path: string): MountEntry | undefined {
  return mounts.findLast((mount) => mount.path === path)
}

/** A mount that may be one of ours, or of another daemon. */
function isTaken(mount: MountEntry): boolean {
  return mount.type === 'erofs' || mount.type === 'fuse' || mount.type.startsWith('fuse.')
}

/**
 * The real path of a directory that can be mounted on. The mount table is looked at first, so that a dead or stuck FUSE
 * mount is reported instead of touched.
 * @throws {FuseError} ERR_FUSE_MOUNT_FAILED when it is missing, not a directory, or busy.
 */
export async function checkMountpoint(mountpoint: string): Promise<string> {
  refuseTaken(readMounts(), resolve(mountpoint))
  const real = await realpath(mountpoint).catch((cause) => unusable(mountpoint, cause))
  refuseTaken(readMounts(), real)
  const found = await stat(real).catch((cause) => unusable(mountpoint, cause))
  if (found.isDirectory()) return real
  throw new FuseError('ERR_FUSE_MOUNT_FAILED', `mountpoint ${mountpoint} is not a directory`, {
    details: { mountpoint },
    hint: 'name a directory',
  })
}

function refuseTaken(mounts: readonly MountEntry[], path: string): void {
  const mount = mountAt(mounts, path)
  if (mount === undefined || !isTaken(mount)) return
  throw new FuseError(
    'ERR_FUSE_MOUNT_FAILED',
    `mountpoint ${path} is busy: ${mount.source} is already mounted there`,
    {
      details: { mountpoint: path, source: mount.source, type: mount.type },
      hint: `unmount it first: umount ${path} (umount -l if its process is gone)`,
    },
  )
}

function unusable(mountpoint: string, cause: unknown): never {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  throw new FuseError(
    'ERR_FUSE_MOUNT_FAILED',
    `mountpoint ${mountpoint} ${missing ? 'does not exist' : 'cannot be used'}`,
    {
      details: { mountpoint },
      cause,
      hint: missing ? `create it: mkdir -p ${mountpoint}` : 'check the path and its permissions',
    },
  )
}
