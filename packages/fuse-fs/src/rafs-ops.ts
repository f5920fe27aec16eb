// SPDX-License-Identifier: Apache-2.0
/**
 * What the file system answers: pure functions of the bootstrap, no kernel and no I/O.
 *
 * Every operation writes its result into the reply buffer behind the header and returns the bytes written, or −errno.
 * ENOENT and its kind are results; what is thrown is a damaged bootstrap.
 *
 * A nodeid is the inode's nid, but 1 is the root. So there is no node table, and forgetting a node is nothing to do.
 * st_ino is the nid too, as with the kernel's own EROFS: hard links share it, and it is stable between mounts.
 */
import { FormatError } from '@nydus/base/error'
import {
  type Bootstrap,
  type Inode,
  lookupEntry,
  readInode,
  readSymlink,
  SUPER_FLAGS,
} from '@nydus/rafs-format'
import {
  ATTR_OUT_BYTES,
  type AttrRules,
  type CompatAttrs,
  ENTRY_BYTES,
  putAttrOut,
  putEntry,
  putNegativeEntry,
} from './attr.ts'
import { createDirectoryOps } from './directory-ops.ts'
import type { FileSystemOps } from './dispatch.ts'
import { ERRNO } from './errno.ts'
import { ROOT_NODEID } from './protocol/opcodes.ts'
import { FuseStatfsOut } from './protocol/structs.ts'
import { putInteger64, REPLY_HEADER_BYTES } from './reply-buffer.ts'
import { createXattrOps } from './xattr-ops.ts'

const STATFS_BLOCK_BYTES = 512
const NAME_MAX_BYTES = 255
const TYPE_MASK = 0o170000
const TYPE_DIRECTORY = 0o040000
const TYPE_SYMLINK = 0o120000

/** The read-only operations. `out` receives the payload; the return value is its length in bytes, or −errno. */
export interface RafsOps extends FileSystemOps {
  readonly bootstrap: Bootstrap
}

/** nodeid ↔ nid. */
export interface NodeNumbers {
  nidOf(nodeid: number): number
  /** @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE for nids that no inode can have and that mean something to FUSE. */
  nodeidOf(nid: number): number
}

/** The operations over a bootstrap. */
export function createRafsOps(
  bootstrap: Bootstrap,
  options: { readonly compat?: CompatAttrs } = {},
): RafsOps {
  const rules: AttrRules = { rootNid: bootstrap.rootNid, compat: options.compat }
  const numbers = numberNodes(bootstrap.rootNid)
  const inodeOf = (nodeid: number): Inode => readInode(bootstrap, numbers.nidOf(nodeid))
  const hasXattrs = (bootstrap.flags & SUPER_FLAGS.HAS_XATTR) !== 0n
  const at = REPLY_HEADER_BYTES
  return {
    bootstrap,
    nidOf: numbers.nidOf,
    ...createDirectoryOps(bootstrap, numbers, rules),
    ...createXattrOps(bootstrap, numbers, hasXattrs),

    lookup(nodeid, name, out) {
      if (name.length > NAME_MAX_BYTES) return -ERRNO.ENAMETOOLONG
      const directory = inodeOf(nodeid)
      if ((directory.mode & TYPE_MASK) !== TYPE_DIRECTORY) return -ERRNO.ENOTDIR
      const found = lookupEntry(bootstrap, directory.nid, name)
      if (found === undefined) putNegativeEntry(out.bytes, out.view, at)
      else putEntry(out.view, at, numbers.nodeidOf(found.nid), readInode(bootstrap, found.nid), rules)
      return ENTRY_BYTES
    },

    getattr(nodeid, out) {
      putAttrOut(out.view, at, inodeOf(nodeid), rules)
      return ATTR_OUT_BYTES
    },

    readlink(nodeid, out) {
      const inode = inodeOf(nodeid)
      if ((inode.mode & TYPE_MASK) !== TYPE_SYMLINK) return -ERRNO.EINVAL
      const target = readSymlink(bootstrap, inode.nid)
      out.payload.set(target)
      return target.length
    },

    statfs(out) {
      out.payload.fill(0, 0, FuseStatfsOut.size)
      const { offsets } = FuseStatfsOut
      putInteger64(out.view, at + offsets.files, bootstrap.inodeCount)
      out.view.setUint32(at + offsets.blockSize, STATFS_BLOCK_BYTES, true)
      out.view.setUint32(at + offsets.fragmentSize, STATFS_BLOCK_BYTES, true)
      out.view.setUint32(at + offsets.nameLength, NAME_MAX_BYTES, true)
      return FuseStatfsOut.size
    },
  }
}

function numberNodes(rootNid: number): NodeNumbers {
  return {
    nidOf: (nodeid) => (nodeid === ROOT_NODEID ? rootNid : nodeid),
    nodeidOf(nid) {
      if (nid === rootNid) return ROOT_NODEID
      if (nid > ROOT_NODEID) return nid
      throw new FormatError(
        'ERR_FORMAT_OUT_OF_RANGE',
        `directory entry names inode ${nid}, which cannot exist`,
        {
          details: { nid },
        },
      )
    },
  }
}
