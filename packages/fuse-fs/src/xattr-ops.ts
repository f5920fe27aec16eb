// SPDX-License-Identifier: Apache-2.0
/** GETXATTR and LISTXATTR. */
import { equalBytes } from '@nydus/base/binary'
import { type Bootstrap, readXattrs } from '@nydus/rafs-format'
import { ERRNO } from './errno.ts'
import { FuseGetxattrOut } from './protocol/structs.ts'
import type { NodeNumbers } from './rafs-ops.ts'
import { REPLY_HEADER_BYTES, type ReplyBuffer } from './reply-buffer.ts'

/** Operations on extended attributes. `size` is the caller's buffer in bytes; 0 asks for the size needed. */
export interface XattrOps {
  getxattr(nodeid: number, name: Uint8Array, size: number, out: ReplyBuffer): number
  /** Names, each ended by NUL, in the order of the bootstrap. */
  listxattr(nodeid: number, size: number, out: ReplyBuffer): number
}

/**
 * The operations over a bootstrap.
 * @param enabled false when the image says that it has no xattrs at all: ENOSYS then keeps the kernel from asking again,
 *   which saves a request for each program that is started.
 */
export function createXattrOps(bootstrap: Bootstrap, numbers: NodeNumbers, enabled: boolean): XattrOps {
  return {
    getxattr(nodeid, name, size, out) {
      if (!enabled) return -ERRNO.ENOSYS
      const xattr = readXattrs(bootstrap, numbers.nidOf(nodeid)).find((candidate) =>
        equalBytes(candidate.name, name),
      )
      if (xattr === undefined) return -ERRNO.ENODATA
      if (size === 0) return putSize(out, xattr.value.length)
      if (size < xattr.value.length) return -ERRNO.ERANGE
      out.payload.set(xattr.value)
      return xattr.value.length
    },

    listxattr(nodeid, size, out) {
      if (!enabled) return -ERRNO.ENOSYS
      const xattrs = readXattrs(bootstrap, numbers.nidOf(nodeid))
      const needed = xattrs.reduce((sum, xattr) => sum + xattr.name.length + 1, 0)
      if (size === 0) return putSize(out, needed)
      if (size < needed) return -ERRNO.ERANGE
      let used = 0
      for (const { name } of xattrs) {
        out.payload.set(name, used)
        out.payload[used + name.length] = 0
        used += name.length + 1
      }
      return used
    },
  }
}

function putSize(out: ReplyBuffer, size: number): number {
  out.payload.fill(0, 0, FuseGetxattrOut.size)
  out.view.setUint32(REPLY_HEADER_BYTES + FuseGetxattrOut.offsets.size, size, true)
  return FuseGetxattrOut.size
}
