// SPDX-License-Identifier: Apache-2.0
/** One request in, one result out: takes the kernel's bytes apart and calls the operation. */
import type { DirectoryOps } from './directory-ops.ts'
import { ERRNO } from './errno.ts'
import { OPCODE, WRITE_OPCODES } from './protocol/opcodes.ts'
import { FuseGetxattrIn, FuseInHeader, FuseReadIn } from './protocol/structs.ts'
import { getInteger64, type ReplyBuffer } from './reply-buffer.ts'
import type { XattrOps } from './xattr-ops.ts'

/** Result for requests that the kernel wants no answer to. */
export const NO_REPLY = -0x2_0000

const HEADER = FuseInHeader.offsets
const ARGUMENT_AT = FuseInHeader.size

/** The buffer that requests are read into, and a lasting view of it. */
export interface RequestBuffer {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** A READ, as the data plane gets it. */
export interface ReadRequest {
  readonly nid: number
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes wanted. */
  readonly size: number
}

/** The operations of a read-only file system. Each returns bytes of payload in `out`, or −errno. */
export interface FileSystemOps extends DirectoryOps, XattrOps {
  /** The number under which a node is read. */
  nidOf(nodeid: number): number
  lookup(nodeid: number, name: Uint8Array, out: ReplyBuffer): number
  getattr(nodeid: number, out: ReplyBuffer): number
  readlink(nodeid: number, out: ReplyBuffer): number
  statfs(out: ReplyBuffer): number
  /** Without it the kernel opens by itself, and keeps its caches. */
  open?(nodeid: number, out: ReplyBuffer): number
  release?(nodeid: number): number
}

/** What requests are answered with. */
export interface RequestTarget {
  readonly ops: FileSystemOps
  /** Bytes read into the payload, −errno, or a number that the caller of `handleRequest` understands. */
  read(request: ReadRequest, out: ReplyBuffer): number
}

/** A buffer for requests. The kernel insists on room for at least 8 KiB. */
export function createRequestBuffer(): RequestBuffer {
  const bytes = new Uint8Array(16_384)
  return { bytes, view: new DataView(bytes.buffer) }
}

/**
 * Handles the request in the first `length` bytes of `request`.
 * @returns bytes of payload in `out`, −errno, NO_REPLY, or what `target.read` returned.
 * @throws {FormatError} when the bootstrap is damaged where the request looks.
 */
export function handleRequest(
  request: RequestBuffer,
  length: number,
  target: RequestTarget,
  out: ReplyBuffer,
): number {
  const { view } = request
  if (length < ARGUMENT_AT || view.getUint32(HEADER.length, true) !== length) return -ERRNO.EIO
  const opcode = view.getUint32(HEADER.opcode, true)
  const nodeid = getInteger64(view, HEADER.nodeid)
  const { ops } = target
  switch (opcode) {
    case OPCODE.LOOKUP:
      return ops.lookup(nodeid, nameAt(request, ARGUMENT_AT, length), out)
    case OPCODE.GETATTR:
      return ops.getattr(nodeid, out)
    case OPCODE.READ:
      return handleRead(view, length, nodeid, target, out)
    case OPCODE.READDIR:
    case OPCODE.READDIRPLUS:
      return handleReaddir(view, length, nodeid, opcode, ops, out)
    case OPCODE.READLINK:
      return ops.readlink(nodeid, out)
    case OPCODE.GETXATTR:
    case OPCODE.LISTXATTR:
      return handleXattr(request, length, nodeid, opcode, ops, out)
    case OPCODE.STATFS:
      return ops.statfs(out)
    case OPCODE.OPEN:
      return ops.open?.(nodeid, out) ?? -ERRNO.ENOSYS
    case OPCODE.RELEASE:
      return ops.release?.(nodeid) ?? -ERRNO.ENOSYS
    case OPCODE.FORGET:
    case OPCODE.BATCH_FORGET:
    case OPCODE.INTERRUPT:
      return NO_REPLY
    case OPCODE.DESTROY:
      return 0
    default:
      // OPENDIR is in here (and OPEN mostly): ENOSYS tells the kernel to open by itself from now on, and to keep its
      // caches.
      // ACCESS, FLUSH, FSYNC, LSEEK, IOCTL likewise: it then does the right thing for a file system without them.
      return WRITE_OPCODES.has(opcode) ? -ERRNO.EROFS : -ERRNO.ENOSYS
  }
}

function handleRead(
  view: DataView,
  length: number,
  nodeid: number,
  target: RequestTarget,
  out: ReplyBuffer,
): number {
  if (length < ARGUMENT_AT + FuseReadIn.size) return -ERRNO.EINVAL
  const offset = getInteger64(view, ARGUMENT_AT + FuseReadIn.offsets.offset)
  const size = view.getUint32(ARGUMENT_AT + FuseReadIn.offsets.size, true)
  return target.read({ nid: target.ops.nidOf(nodeid), offset, size }, out)
}

function handleReaddir(
  view: DataView,
  length: number,
  nodeid: number,
  opcode: number,
  ops: FileSystemOps,
  out: ReplyBuffer,
): number {
  if (length < ARGUMENT_AT + FuseReadIn.size) return -ERRNO.EINVAL
  const cookie = getInteger64(view, ARGUMENT_AT + FuseReadIn.offsets.offset)
  const size = view.getUint32(ARGUMENT_AT + FuseReadIn.offsets.size, true)
  return opcode === OPCODE.READDIR
    ? ops.readdir(nodeid, cookie, size, out)
    : ops.readdirplus(nodeid, cookie, size, out)
}

function handleXattr(
  request: RequestBuffer,
  length: number,
  nodeid: number,
  opcode: number,
  ops: FileSystemOps,
  out: ReplyBuffer,
): number {
  const namesAt = ARGUMENT_AT + FuseGetxattrIn.size
  if (length < namesAt) return -ERRNO.EINVAL
  const size = request.view.getUint32(ARGUMENT_AT + FuseGetxattrIn.offsets.size, true)
  if (opcode === OPCODE.LISTXATTR) return ops.listxattr(nodeid, size, out)
  return ops.getxattr(nodeid, nameAt(request, namesAt, length), size, out)
}

/** The NUL-terminated name that is the rest of the request; a view. */
function nameAt(request: RequestBuffer, start: number, length: number): Uint8Array {
  const end = request.bytes.indexOf(0, start)
  return request.bytes.subarray(start, end < 0 || end > length ? length : end)
}
