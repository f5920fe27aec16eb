// SPDX-License-Identifier: Apache-2.0
/**
 * Data that EROFS has read would be in the page cache three times: as its own page, as that of the blob device and as
 * that of the decoded file. While devices are read, the last two are dropped a few times a second.
 */
import type { FuseStats } from '../fuse-event.ts'
import type { OpenDevice } from './open-device.ts'

const INTERVAL_MS = 250
/** Less than this is not worth the walk. */
const MIN_READ_BYTES = 4 << 20

/** Trims what is read from now on. @returns stops it. */
export function startTrimming(devices: ReadonlyMap<number, OpenDevice>, stats: () => FuseStats): () => void {
  let trimmedAt = 0
  let trimming = false
  const timer = setInterval(() => {
    const { readBytes } = stats()
    if (trimming || readBytes - trimmedAt < MIN_READ_BYTES) return
    trimmedAt = readBytes
    trimming = true
    void Promise.all([...devices.values()].map((device) => device.trim())).finally(() => {
      trimming = false
    })
  }, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
