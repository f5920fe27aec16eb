// SPDX-License-Identifier: Apache-2.0
/** READ of a blob device in a worker: the decoded blob at the same offset, zeros in its gaps and behind its end. */
import { type BlobViews, isCovered } from '../blob-views.ts'
import { ERRNO } from '../errno.ts'
import { MISS, type ReadAt } from '../read-ready.ts'
import type { ReplyBuffer } from '../reply-buffer.ts'
import type { DeviceTable } from './device-table.ts'

/** What devices are read from. */
export interface DeviceSource {
  readonly devices: DeviceTable
  /** By nodeid. */
  readonly views: BlobViews
  readonly readAt: ReadAt
}

/** Reads into the payload of `out`. Returns the bytes read, 0 at and behind the end, −errno, or MISS. */
export function readDevice(
  source: DeviceSource,
  request: { readonly nid: number; readonly offset: number; readonly size: number },
  out: ReplyBuffer,
): number {
  const device = source.devices.get(request.nid)
  if (device === undefined) return -ERRNO.ENOENT
  const { offset } = request
  const length = Math.min(request.size, out.payload.length, device.size - offset)
  if (length <= 0) return 0
  if (device.content !== undefined) {
    return offset + length > device.readableBytes
      ? -ERRNO.EIO
      : copyContent(device.content, offset, length, out)
  }
  const view = source.views.get(request.nid)
  if (view === undefined) return MISS
  const stored = Math.max(0, Math.min(length, view.uncompressedSize - offset))
  if (!isCovered(view, offset, stored)) return MISS
  // A file that ends early holds no chunk behind its end, else the map would be wrong: the main thread finds out.
  if (stored > 0 && source.readAt(view.fd, out.payload, stored, offset) !== stored) return MISS
  out.payload.fill(0, stored, length)
  return length
}

function copyContent(content: Uint8Array, offset: number, length: number, out: ReplyBuffer): number {
  const part = content.subarray(offset, offset + length)
  out.payload.set(part)
  out.payload.fill(0, part.length, length)
  return length
}
