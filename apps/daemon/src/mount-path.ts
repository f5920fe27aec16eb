// SPDX-License-Identifier: Apache-2.0
/** Names of places inside the daemon's mount: `/`, `/a`, `/x/y`. */
import { MountRefusal } from './mount-refusal.ts'

/**
 * The name without empty parts and the slash at the end.
 * @throws {MountRefusal} `path` when it is not absolute or leads upwards.
 */
export function normalMountPath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw badPath(path)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw badPath(path)
  return `/${parts.join('/')}`
}

function badPath(path: string): MountRefusal {
  return new MountRefusal('path', `mountpoint ${JSON.stringify(path)} is not an absolute path without ..`)
}
