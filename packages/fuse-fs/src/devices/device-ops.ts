// SPDX-License-Identifier: Apache-2.0
/** The file system of blob devices: one directory of read-only files that only their owner may open. */
import type { FileSystemOps } from '../dispatch.ts'
import { ERRNO } from '../errno.ts'
import { OPEN_FLAGS, ROOT_NODEID } from '../protocol/opcodes.ts'
import { FuseAttr, FuseAttrOut, FuseEntryOut, FuseOpenOut, FuseStatfsOut } from '../protocol/structs.ts'
import { putInteger64, REPLY_HEADER_BYTES, type ReplyBuffer } from '../reply-buffer.ts'
import { type DeviceTable, nodeidOfName } from './device-table.ts'

const ROOT_MODE = 0o040500
const DEVICE_MODE = 0o100400
const BLOCK_BYTES = 4096
const STAT_BLOCK_BYTES = 512
const NAME_MAX_BYTES = 255
/** Seconds; a device never changes. */
const VALID_SECONDS = 2 ** 32

/** @param onUse told of every open, and of every close for good. */
export function createDeviceOps(
  devices: DeviceTable,
  onUse: (kind: 'opened' | 'released', nodeid: number) => void,
): FileSystemOps {
  const at = REPLY_HEADER_BYTES
  return {
    nidOf: (nodeid) => nodeid,

    lookup(_directory, name, out) {
      const nodeid = nodeidOfName(name)
      const device = nodeid === undefined ? undefined : devices.get(nodeid)
      if (device === undefined) return -ERRNO.ENOENT
      out.bytes.fill(0, at, at + FuseEntryOut.size)
      putInteger64(out.view, at + FuseEntryOut.offsets.nodeid, device.nodeid)
      putInteger64(out.view, at + FuseEntryOut.offsets.entryValid, VALID_SECONDS)
      putInteger64(out.view, at + FuseEntryOut.offsets.attrValid, VALID_SECONDS)
      putAttr(out, at + FuseEntryOut.size, device.nodeid, DEVICE_MODE, device.size)
      return FuseEntryOut.size + FuseAttr.size
    },

    getattr(nodeid, out) {
      const device = devices.get(nodeid)
      if (device === undefined && nodeid !== ROOT_NODEID) return -ERRNO.ENOENT
      out.bytes.fill(0, at, at + FuseAttrOut.size)
      putInteger64(out.view, at + FuseAttrOut.offsets.attrValid, VALID_SECONDS)
      putAttr(out, at + FuseAttrOut.size, nodeid, device ? DEVICE_MODE : ROOT_MODE, device?.size ?? 0)
      return FuseAttrOut.size + FuseAttr.size
    },

    open(nodeid, out) {
      if (devices.get(nodeid) === undefined) return -ERRNO.ENOENT
      onUse('opened', nodeid)
      out.payload.fill(0, 0, FuseOpenOut.size)
      out.view.setUint32(at + FuseOpenOut.offsets.openFlags, OPEN_FLAGS.KEEP_CACHE, true)
      return FuseOpenOut.size
    },

    release(nodeid) {
      onUse('released', nodeid)
      return 0
    },

    statfs(out) {
      out.payload.fill(0, 0, FuseStatfsOut.size)
      out.view.setUint32(at + FuseStatfsOut.offsets.blockSize, BLOCK_BYTES, true)
      out.view.setUint32(at + FuseStatfsOut.offsets.nameLength, NAME_MAX_BYTES, true)
      return FuseStatfsOut.size
    },

    // Nobody lists it: who opens a device knows its name.
    readdir: () => 0,
    readdirplus: () => 0,
    readlink: () => -ERRNO.EINVAL,
    getxattr: () => -ERRNO.ENOSYS,
    listxattr: () => -ERRNO.ENOSYS,
  }
}

function putAttr({ bytes, view }: ReplyBuffer, at: number, nodeid: number, mode: number, size: number): void {
  const { offsets } = FuseAttr
  bytes.fill(0, at, at + FuseAttr.size)
  putInteger64(view, at + offsets.ino, nodeid)
  putInteger64(view, at + offsets.size, size)
  putInteger64(view, at + offsets.blocks, Math.ceil(size / STAT_BLOCK_BYTES))
  view.setUint32(at + offsets.mode, mode, true)
  view.setUint32(at + offsets.nlink, 1, true)
  view.setUint32(at + offsets.blksize, BLOCK_BYTES, true)
}
