// SPDX-License-Identifier: Apache-2.0
/** One place of a daemon's mount and what is there. */
import type { BackendMeter } from './backend-meter.ts'
import type { DaemonConfig } from './config.ts'
import type { FileAccounting } from './file-accounting.ts'
import type { MountedImage } from './mount-image.ts'

/** What to mount, as clients ask for it. */
export interface MountCommand {
  /** `rafs`, or a name of the passthrough file system. */
  readonly fsType: string
  /** The bootstrap, or the directory to show. */
  readonly source: string
  /** Text of the configuration; passthrough needs none. */
  readonly config: string | DaemonConfig
  /** Paths in the image to fetch ahead. */
  readonly prefetchFiles?: readonly string[] | undefined
}

/** A mounted image, or a directory that is shown. */
export type Mounted = MountedRafs | MountedView

interface MountedBase {
  /** `/`, `/a`. */
  readonly path: string
  readonly mountedAt: Date
  /** Takes it out of the tree. */
  unmount(): Promise<void>
  /** Resolves when it is gone and nothing is left of it. */
  readonly closed: Promise<void>
}

/** A mounted image. */
export interface MountedRafs extends MountedBase {
  readonly type: 'Rafs'
  readonly config: DaemonConfig
  readonly image: MountedImage
  readonly meter: BackendMeter
  /** If the configuration asks for it. */
  readonly accounting: FileAccounting | undefined
}

/** A directory that is shown read-only. */
export interface MountedView extends MountedBase {
  readonly type: 'PassthroughFs'
}
