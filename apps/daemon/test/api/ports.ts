// SPDX-License-Identifier: Apache-2.0
/** What the API works on, with a table of mounts that holds what a test puts there. */

import type { openBootstrap } from '@nydus/rafs-format'
import type { ApiPorts } from '../../src/api/api-ports.ts'
import { backendCollection } from '../../src/api/daemon-info.ts'
import { createBackendMeter } from '../../src/backend-meter.ts'
import { localfsConfig } from '../../src/config.ts'
import { createEventRing } from '../../src/event-ring.ts'
import { createLiveSettings } from '../../src/live-settings.ts'
import { MountRefusal } from '../../src/mount-refusal.ts'
import type { MountTable } from '../../src/mount-table.ts'
import type { Mounted, MountedRafs } from '../../src/mounted.ts'
import { VERSION } from '../../src/version.ts'

const NO_FUSE = { requests: 0, reads: 0, readBytes: 0, misses: 0, failures: 0, pending: 0 }

export function mountedImage(path: string, bootstrap: ReturnType<typeof openBootstrap>): MountedRafs {
  const config = { ...localfsConfig('/blobs'), id: path }
  const unmount = async () => {}
  const closed = new Promise<void>(() => {})
  const mountpoint = `/mnt${path}`
  return {
    ...{ path, type: 'Rafs', mountedAt: new Date('2026-01-02T03:04:05.678Z'), unmount, closed, config },
    meter: createBackendMeter(),
    accounting: undefined,
    image: {
      ...{ mountpoint, dataPlane: 'fuse', transport: 'dev-fuse', bootstrap, closed, unmount },
      stats: () => ({ fuse: NO_FUSE, blobs: [] }),
    },
  }
}

export function testPorts(mounted: readonly Mounted[], overrides: Partial<ApiPorts> = {}): ApiPorts {
  const refuse = async (): Promise<never> => {
    throw new MountRefusal('missing', 'nothing is there')
  }
  const mounts: MountTable = {
    open: () => {},
    ...{ mount: refuse, remount: refuse, unmount: refuse },
    find: (path) => mounted.find((one) => one.path === path),
    list: () => mounted,
    close: async () => {},
  }
  return {
    info: () => ({
      ...{ version: VERSION, id: null, supervisor: null, state: 'RUNNING' },
      backend_collection: backendCollection(mounted),
    }),
    state: () => 'RUNNING',
    setLogLevel: () => {},
    ...{ mounts, events: createEventRing(), settings: createLiveSettings(), supervisor: undefined },
    onSettings: () => {},
    exit: () => {},
    ...overrides,
  }
}
