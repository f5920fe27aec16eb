// SPDX-License-Identifier: Apache-2.0
/** Mounts that somebody else may take away: the kernel tells of changes of the mount table, but not of which. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { libc } from '../libc.ts'
import { type MountEntry, parseMountInfo } from '../mountpoint.ts'

const MOUNT_TABLE = '/proc/self/mountinfo'
/** Asking whether there is news costs a microsecond; reading the table does not happen without. */
const INTERVAL_MS = 200

type Listener = (mounts: readonly MountEntry[]) => void

const listeners = new Set<Listener>()
let watch: { readonly fd: number; readonly timer: NodeJS.Timeout } | undefined

/**
 * Calls `listener` with the mount table after each change, from now on. All listeners share one watch, which does not
 * keep the process alive.
 * @returns ends it.
 */
export function watchMounts(listener: Listener): () => void {
  listeners.add(listener)
  watch ??= startWatch()
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || watch === undefined) return
    clearInterval(watch.timer)
    closeSync(watch.fd)
    watch = undefined
  }
}

function startWatch() {
  const fd = openSync(MOUNT_TABLE, 'r')
  // What the kernel reports is the difference to the last read.
  readFileSync(fd)
  const timer = setInterval(() => {
    if (!libc().hasNews(fd)) return
    const mounts = parseMountInfo(readFileSync(MOUNT_TABLE, 'utf8'))
    for (const listener of [...listeners]) listener(mounts)
  }, INTERVAL_MS)
  timer.unref()
  return { fd, timer }
}
