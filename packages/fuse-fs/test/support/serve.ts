// SPDX-License-Identifier: Apache-2.0
/** A process that mounts fixtures. It never touches its own mounts. */
import { readdirSync } from 'node:fs'
import { openBootstrap } from '@nydus/rafs-format'
import { type FuseEvent, mountRafs, type RafsMount } from '../../src/index.ts'
import { answerCalls } from './calls.ts'
import { fixtureBlob, fixtureBootstrap } from './fixture.ts'
import { type BlobMode, createMemoryBlobs, type MemoryBlobs } from './memory-blobs.ts'

/** What to mount. */
export interface ServeOptions {
  readonly fixture: string
  readonly mountpoint: string
  readonly mode: BlobMode
  readonly delayMs?: number
  readonly workers?: number
  readonly compatAttrs?: boolean
  readonly allowOther?: boolean
  readonly transport?: 'auto' | 'dev-fuse' | 'fuse-native'
}

interface Served {
  readonly mount: RafsMount
  readonly blobs: MemoryBlobs
  readonly events: FuseEvent[]
  readonly abort: AbortController
}

const served = new Map<string, Served>()

function find(mountpoint: string): Served {
  const one = served.get(mountpoint)
  if (one === undefined) throw new Error(`${mountpoint} is not mounted`)
  return one
}

answerCalls({
  async mount({ fixture, mountpoint, mode, delayMs, ...options }: ServeOptions) {
    const bootstrap = fixtureBootstrap(fixture)
    const blobs = createMemoryBlobs(openBootstrap(bootstrap), fixtureBlob, mode, delayMs)
    const events: FuseEvent[] = []
    const abort = new AbortController()
    const onEvent = (event: FuseEvent): void => void events.push(event)
    const mount = await mountRafs({ bootstrap, blobs, mountpoint, onEvent, signal: abort.signal, ...options })
    served.set(mountpoint, { mount, blobs, events, abort })
    return mount.mountpoint
  },
  unmount: (mountpoint: string) => find(mountpoint).mount.unmount(),
  abort: (mountpoint: string) => find(mountpoint).abort.abort(),
  /** Waits until the mount is gone and releases its blobs. */
  async closed(mountpoint: string) {
    const { mount, blobs, events } = find(mountpoint)
    await mount.closed
    blobs.close()
    served.delete(mountpoint)
    return events.map(({ kind, ...rest }) => ({ kind, reason: 'reason' in rest ? rest.reason : undefined }))
  },
  transport: (mountpoint: string) => find(mountpoint).mount.transport,
  stats: (mountpoint: string) => find(mountpoint).mount.stats(),
  failures: (mountpoint: string) =>
    find(mountpoint).events.flatMap((event) =>
      event.kind === 'failure' ? [{ ...event, error: undefined }] : [],
    ),
  fills: (mountpoint: string) => find(mountpoint).blobs.fills,
  resources: () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  }),
  exit: () => process.exit(0),
  crash: () =>
    setImmediate(() => {
      throw new Error('crash on purpose')
    }),
})
