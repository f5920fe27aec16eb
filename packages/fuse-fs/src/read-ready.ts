// SPDX-License-Identifier: Apache-2.0
/** READ in a worker: answered at once where every chunk is in the decoded blob file, left to the main thread else. */
import { checkRange } from '@nydus/base/binary'
import { type Bootstrap, fileExtents } from '@nydus/rafs-format'
import { type BlobViews, isRangeReady } from './blob-views.ts'
import type { ReplyBuffer } from './reply-buffer.ts'

/** Result of an operation that only the main thread can finish. No errno is that large. */
export const MISS = -0x1_0000

/** pread(2): bytes read, or −1. */
export type ReadAt = (fd: number, buffer: Uint8Array, length: number, offset: number) => number

/** Reads file bytes into the payload of `out`. Returns their count, 0 at and behind the end of the file, or MISS. */
export function readReady(
  source: { readonly bootstrap: Bootstrap; readonly views: BlobViews; readonly readAt: ReadAt },
  request: { readonly nid: number; readonly offset: number; readonly size: number },
  out: ReplyBuffer,
): number {
  const size = Math.min(request.size, out.payload.length)
  let used = 0
  for (const extent of fileExtents(source.bootstrap, request.nid, request.offset, size)) {
    // The C call below writes without looking: its bounds are checked here, whatever the bootstrap says.
    checkRange(used, extent.length, size, 'file extent')
    const view = source.views.get(extent.blobIndex)
    if (view === undefined || !isRangeReady(view, extent.uncompressedOffset, extent.length)) return MISS
    const target = used === 0 ? out.payload : out.payload.subarray(used)
    // A short read means that the file is not what its map says; the main thread finds out why.
    if (source.readAt(view.fd, target, extent.length, extent.uncompressedOffset) !== extent.length)
      return MISS
    used += extent.length
  }
  return used
}
