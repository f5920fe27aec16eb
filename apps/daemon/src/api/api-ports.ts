// SPDX-License-Identifier: Apache-2.0
import type { LogLevel } from '../arguments.ts'
import type { DaemonState } from '../daemon-state.ts'
import type { EventRing } from '../event-ring.ts'
import type { LiveSettings } from '../live-settings.ts'
import type { MountTable } from '../mount-table.ts'
import type { DaemonInfo } from './daemon-info.ts'

/** What the routes work on. */
export interface ApiPorts {
  info(): DaemonInfo
  state(): DaemonState
  setLogLevel(level: LogLevel | 'silent'): void
  readonly mounts: MountTable
  readonly events: EventRing
  readonly settings: LiveSettings
  /** Some settings of an image were changed. */
  onSettings(id: string): void
  /** Socket that a supervisor listens on. */
  readonly supervisor: string | undefined
  /** Ends the daemon. */
  exit(): void
}
