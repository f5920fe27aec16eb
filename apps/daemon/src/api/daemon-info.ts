// SPDX-License-Identifier: Apache-2.0
/** The answer to `GET /api/v1/daemon`. Clients of the original decode it strictly: every member must be there. */
import type { ConfigDescription } from '../config.ts'
import type { DaemonState } from '../daemon-state.ts'
import type { VersionInfo } from '../version.ts'

/** One mounted image. */
export interface BackendInfo {
  readonly backend_type: 'Rafs'
  /** Place inside the mount; `/` for the only image. */
  readonly mountpoint: string
  /** `2026-01-02 03:04:05.678 +00:00:00`. */
  readonly mounted_time: string
  readonly config: ConfigDescription
}

/** The whole answer. */
export interface DaemonInfo {
  readonly version: VersionInfo
  readonly id: string | null
  readonly supervisor: string | null
  readonly state: DaemonState
  readonly backend_collection: Readonly<Record<string, BackendInfo>>
}

/** Describes an image mounted at `mountedAt` at the root of the mount. */
export function backendInfo(config: ConfigDescription, mountedAt: Date): BackendInfo {
  return { backend_type: 'Rafs', mountpoint: '/', mounted_time: formatMountedTime(mountedAt), config }
}

function formatMountedTime(time: Date): string {
  return `${time.toISOString().replace('T', ' ').replace('Z', '')} +00:00:00`
}
