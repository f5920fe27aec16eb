// SPDX-License-Identifier: Apache-2.0
/** A process that mounts fixtures in the erofs plane. It never touches its own mounts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBootstrap } from '@nydus/rafs-format'
import {
  type BlobDevices,
  type ErofsMount,
  type FuseEvent,
  mountErofs,
  openBlobDevices,
} from '../../src/index.ts'
import { answerCalls } from './calls.ts'
import { fixtureBlob, fixtureBootstrap } from './fixture.ts'
import { type BlobMode, createMemoryBlobs, type MemoryBlobs } from './memory-blobs.ts'

/** What to mount. */
export interface ServeErofsOptions {
  readonly fixture: string
  readonly mountpoint: string
  readonly mode: BlobMode
  /** Give the kernel the bootstrap as a file of this directory; a device otherwise. */
  readonly bootstrapIn?: string
}

const events: FuseEvent[] = []
const mounts = new Map<string, { mount: ErofsMount; blobs: MemoryBlobs; isClosed: boolean }>()
let devices: BlobDevices | undefined

function find(mountpoint: string) {
  const one = mounts.get(mountpoint)
  if (one === undefined) throw new Error(`${mountpoint} is not mounted`)
  return one
}

answerCalls({
  async mount({ fixture, mountpoint, mode, bootstrapIn }: ServeErofsOptions) {
    devices ??= await openBlobDevices({ workers: 2, onEvent: (event) => events.push(event) })
    const bytes = fixtureBootstrap(fixture)
    const bootstrap = openBootstrap(bytes)
    const blobs = createMemoryBlobs(bootstrap, fixtureBlob, mode)
    const directory = bootstrapIn === undefined ? undefined : mkdtempSync(join(bootstrapIn, 'boot-'))
    const file = directory === undefined ? {} : { bootstrapFile: join(directory, 'image.boot') }
    if (file.bootstrapFile !== undefined) writeFileSync(file.bootstrapFile, bytes)
    try {
      const mount = await mountErofs({ bootstrap, devices, blobs, mountpoint, ...file })
      const one = { mount, blobs, isClosed: false }
      void mount.closed.then(() => {
        one.isClosed = true
      })
      mounts.set(mountpoint, one)
      return mount.mountpoint
    } finally {
      if (directory !== undefined) rmSync(directory, { recursive: true })
    }
  },
  unmount: (mountpoint: string) => find(mountpoint).mount.unmount(),
  isClosed: (mountpoint: string) => find(mountpoint).isClosed,
  closed: (mountpoint: string) => find(mountpoint).mount.closed,
  failures: () => events.filter(({ kind }) => kind === 'failure').length,
  fills: (mountpoint: string) => find(mountpoint).blobs.fills,
  closeDevices: () => devices?.close(),
  temporary: () => tmpdir(),
})
