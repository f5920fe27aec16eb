// SPDX-License-Identifier: Apache-2.0
/** The answer to `GET /api/v1/daemon`. Clients of the original decode it strictly: every member must be there. */
import type { ConfigDescription } from '../convert-config.ts'
import type { DaemonState } from '../daemon-state.ts'
import type { Mounted } from '../mounted.ts'
import type { VersionInfo } from '../version.ts'

/** One mounted image, or a directory that is shown. */
export interface BackendInfo {
  readonly backend_type: Mounted['type']
  /** Place inside the mount; `/` for the only image. */
  readonly mountpoint: string
  /** `2026-01-02 03:04:05.678 +00:00:00`. */
  readonly mounted_time: string
  readonly config: ConfigDescription | null
}

/** The whole answer. */
export interface DaemonInfo {
  readonly version: VersionInfo
  readonly id: string | null
  readonly supervisor: string | null
  readonly state: DaemonState
  /** By mountpoint; null in version 2 of the API. */
  readonly backend_collection: Readonly<Record<string, BackendInfo>> | null
}

/** Describes mounts. */
export function backendCollection(mounts: readonly Mounted[]): Readonly<Record<string, BackendInfo>> {
  return Object.fromEntries(mounts.map((mounted) => [mounted.path, backendInfo(mounted)]))
}

function backendInfo(mounted: Mounted): BackendInfo {
  return {
    backend_type: mounted.type,
    mountpoint: mounted.path,
    mounted_time: formatMountedTime(mounted.mountedAt),
    config: mounted.type === 'Rafs' ? mounted.config.description : null,
  }
}

function formatMountedTime(time: Date): string {
  return `${time.toISOString().replace('T', ' ').replace('Z', '')} +00:00:00`
}
