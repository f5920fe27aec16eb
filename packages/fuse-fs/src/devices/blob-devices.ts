// SPDX-License-Identifier: Apache-2.0
/**
 * One FUSE file system of blob devices, mounted nowhere: the kernel's EROFS opens them by `/proc/self/fd/N/name`. A
 * process needs one, whatever the number of its images.
 */
import { closeSync } from 'node:fs'
import { FuseError } from '../fuse-error.ts'
import type { FuseEvent, FuseStats } from '../fuse-event.ts'
import { openFuseDevice } from '../mount.ts'
import { createDetachedMount, MOUNT_ATTR, type MountParameter } from '../mount-calls.ts'
import { type ReaderPort, type Session, startSession } from '../session.ts'
import type { DeviceUse } from '../worker-protocol.ts'
import { deviceName } from './device-table.ts'
import { type DeviceSource, type OpenDevice, openDevice } from './open-device.ts'
import { startTrimming } from './trim-page-cache.ts'

/** A device. */
export interface BlobDevice {
  /** For open(2) in this process. */
  readonly path: string
  /** Resolves when the kernel has closed what it had opened, or the devices are closed. */
  readonly released: Promise<void>
  /** Takes the device away; reads of it fail from then on. Idempotent. */
  remove(): void
}

/** How devices are served. */
export interface BlobDevicesOptions {
  /** Threads that answer the kernel, ≥ 1. */
  readonly workers: number
  readonly onEvent: (event: FuseEvent) => void
  /** Largest request in bytes, a multiple of the page; default 1 MiB. */
  readonly maxReadBytes?: number
}

/** Running devices. */
export interface BlobDevices {
  add(source: DeviceSource): BlobDevice
  stats(): FuseStats
  /** Ends the connection: the kernel's reads of what it has not cached fail with EIO. Idempotent. */
  close(): Promise<void>
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>
}

const FIRST_NODEID = 2

/**
 * Starts a connection without devices.
 * @throws {FuseError} ERR_FUSE_PERMISSION without the right to mount, ERR_FUSE_MOUNT_FAILED, ERR_FUSE_BINDING_MISSING,
 *   ERR_FUSE_PROTOCOL.
 */
export async function openBlobDevices(options: BlobDevicesOptions): Promise<BlobDevices> {
  const { workers, onEvent } = options
  const devices = new Map<number, OpenDevice>()
  const { fd, mountFd } = mountDetached(options.maxReadBytes)
  const reader = Promise.withResolvers<ReaderPort>()
  const session = await startSession({
    kernelMount: detachedMount(fd, mountFd),
    serves: { kind: 'devices' },
    createReader(port) {
      reader.resolve(port)
      return async (nodeid, offset, size) => deviceAt(devices, nodeid).read(offset, size)
    },
    onDeviceUse: ({ kind, nodeid }: DeviceUse) => devices.get(nodeid)?.countUse(kind),
    ...{ workers, onEvent, signal: undefined },
  })
  const stopTrimming = startTrimming(devices, session.stats)
  const closed = session.closed.then(() => {
    stopTrimming()
    for (const device of devices.values()) device.close()
  })
  const port = await reader.promise
  const add = deviceAdder({ devices, session, mountFd, port })
  return { add, stats: session.stats, close: session.unmount, closed }
}

function mountDetached(maxReadBytes: number | undefined): { readonly fd: number; readonly mountFd: number } {
  const fd = openFuseDevice()
  const parameters: readonly MountParameter[] = [
    ['source', 'nydus-blobs'],
    ['fd', String(fd)],
    ['rootmode', '40000'],
    ['user_id', String(process.geteuid?.() ?? 0)],
    ['group_id', String(process.getegid?.() ?? 0)],
    ...(maxReadBytes === undefined ? [] : [['max_read', String(maxReadBytes)] as const]),
  ]
  const { RDONLY, NOSUID, NODEV, NOEXEC } = MOUNT_ATTR
  const attributes = RDONLY | NOSUID | NODEV | NOEXEC
  try {
    return { fd, mountFd: createDetachedMount({ type: 'fuse', parameters, attributes }) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Closing the descriptor of the mount is what unmounts it; opened devices live until the connection ends. */
function detachedMount(fd: number, mountFd: number) {
  let isOpen = true
  const detachNow = (): void => {
    if (isOpen) closeSync(mountFd)
    isOpen = false
  }
  return { fd, detachNow, unmount: async () => detachNow() }
}

interface Connection {
  readonly devices: Map<number, OpenDevice>
  readonly session: Session
  readonly mountFd: number
  readonly port: ReaderPort
}

function deviceAdder({ devices, session, mountFd, port }: Connection): BlobDevices['add'] {
  // Nodeids are never used again: the kernel may still know an old one.
  let nextNodeid = FIRST_NODEID
  return (source) => {
    if (port.signal.aborted) {
      throw new FuseError('ERR_FUSE_MOUNT_FAILED', 'the connection of the blob devices is closed')
    }
    const nodeid = nextNodeid
    nextNodeid += 1
    const path = `/proc/self/fd/${mountFd}/${deviceName(nodeid)}`
    const device = openDevice({ source, nodeid, path, port })
    devices.set(nodeid, device)
    session.post({ kind: 'device', device: device.entry })
    return {
      path,
      released: device.released,
      remove() {
        if (devices.delete(nodeid)) session.post({ kind: 'device-gone', nodeid })
        device.close()
      },
    }
  }
}

function deviceAt(devices: ReadonlyMap<number, OpenDevice>, nodeid: number): OpenDevice {
  const device = devices.get(nodeid)
  if (device !== undefined) return device
  throw new FuseError('ERR_FUSE_PROTOCOL', `read of blob device ${nodeid}, which is not there`, {
    details: { nodeid },
  })
}
