// SPDX-License-Identifier: Apache-2.0
/** Which data plane serves an image, and what all images of the erofs plane share in this process. */
import { availableParallelism } from 'node:os'
import {
  type BlobDevices,
  type ErofsVerdict,
  type FuseEvent,
  openBlobDevices,
  testErofs,
  whyNotErofs,
} from '@nydus/fuse-fs'
import type { Bootstrap } from '@nydus/rafs-format'
import { DaemonError } from './daemon-error.ts'
import type { DataPlane } from './data-planes.ts'
import { keptVerdict } from './kept-verdict.ts'

/** The plane of an image, and for `auto` why it is not erofs. */
export type PlaneChoice = { readonly plane: 'erofs' } | { readonly plane: 'fuse'; readonly reason?: string }

/** The erofs plane of this process: one connection of blob devices, begun with the first image. */
export interface ErofsPlane {
  /** Begins the connection if there is none. */
  devices(): Promise<BlobDevices>
  /** @throws {DaemonError} ERR_FUSE_MOUNT_FAILED when erofs is wanted and cannot be had. */
  choose(wanted: DataPlane, bootstrap: Bootstrap): Promise<PlaneChoice>
  /** Ends the connection. Reads of what the kernel has not cached fail from then on. */
  close(): Promise<void>
}

const MIN_WORKERS = 2
const MAX_WORKERS = 4

/** @param onEvent told of failed reads of the devices, and of the end of the connection. */
export function createErofsPlane(options: {
  readonly workers?: number
  readonly onEvent?: (event: FuseEvent) => void
  /** Replaces the self-test in tests. */
  readonly verdict?: () => Promise<ErofsVerdict>
}): ErofsPlane {
  const workers = options.workers ?? Math.min(MAX_WORKERS, Math.max(MIN_WORKERS, availableParallelism()))
  const askKernel = options.verdict ?? (() => keptVerdict(testErofs))
  let devices: Promise<BlobDevices> | undefined
  let verdict: Promise<ErofsVerdict> | undefined

  async function whyNot(bootstrap: Bootstrap): Promise<string | undefined> {
    if (process.geteuid?.() !== 0) return 'only root may mount EROFS'
    const reason = whyNotErofs(bootstrap)
    if (reason !== undefined) return reason
    verdict ??= askKernel()
    const found = await verdict
    return found.usable ? undefined : found.reason
  }

  return {
    devices() {
      devices ??= openBlobDevices({ workers, onEvent: options.onEvent ?? (() => {}) })
      devices.catch(() => {
        devices = undefined
      })
      return devices
    },
    async choose(wanted, bootstrap) {
      if (wanted === 'fuse') return { plane: 'fuse' }
      const reason = await whyNot(bootstrap)
      if (reason === undefined) return { plane: 'erofs' }
      if (wanted === 'auto') return { plane: 'fuse', reason }
      throw new DaemonError('ERR_FUSE_MOUNT_FAILED', `the erofs data plane cannot be used: ${reason}`, {
        hint: 'use --data-plane fuse, or auto',
      })
    },
    async close() {
      const opened = await devices?.catch(() => undefined)
      devices = undefined
      await opened?.close()
    },
  }
}
