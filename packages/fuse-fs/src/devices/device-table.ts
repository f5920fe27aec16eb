// SPDX-License-Identifier: Apache-2.0
/** A worker's table of blob devices: flat files, each a decoded blob or some fixed bytes. */

/** A device, as workers know it. Can be posted to threads. */
export interface DeviceEntry {
  /** From 2 up; never used again in the life of a connection. */
  readonly nodeid: number
  /** Bytes; a multiple of the block size where the kernel mounts it. */
  readonly size: number
  /** All bytes, over a SharedArrayBuffer, for devices that are no blob; the rest up to `size` reads as zeros. */
  readonly content: Uint8Array | undefined
  /** Reads that touch what lies behind these bytes of `content` fail with EIO; for the self-test. */
  readonly readableBytes: number
}

/** The devices that a worker has been told of. */
export interface DeviceTable {
  add(device: DeviceEntry): void
  remove(nodeid: number): void
  get(nodeid: number): DeviceEntry | undefined
}

/** An empty table. */
export function createDeviceTable(): DeviceTable {
  const devices = new Map<number, DeviceEntry>()
  return {
    add: (device) => void devices.set(device.nodeid, device),
    remove: (nodeid) => void devices.delete(nodeid),
    get: (nodeid) => devices.get(nodeid),
  }
}

/** The name of a device in its directory: its nodeid in decimal, so that no table of names is needed. */
export function deviceName(nodeid: number): string {
  return String(nodeid)
}

/** The nodeid that a name stands for, or undefined when no device can have that name. */
export function nodeidOfName(name: Uint8Array): number | undefined {
  let nodeid = 0
  for (const byte of name) {
    const digit = byte - 0x30
    if (digit < 0 || digit > 9) return undefined
    nodeid = nodeid * 10 + digit
    if (nodeid > 0xffff_ffff) return undefined
  }
  return name.length === 0 ? undefined : nodeid
}
