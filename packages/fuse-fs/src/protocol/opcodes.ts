// SPDX-License-Identifier: Apache-2.0
/** Numbers of the FUSE protocol. Source: Linux `include/uapi/linux/fuse.h`. */

/** Requests of the kernel. */
export const OPCODE = {
  LOOKUP: 1,
  FORGET: 2, // no reply
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36, // no reply
  DESTROY: 38,
  BATCH_FORGET: 42, // no reply
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  COPY_FILE_RANGE: 47,
  TMPFILE: 51,
} as const

/** Name of an opcode for messages: `LOOKUP`, or `opcode 99`. */
export function opcodeName(opcode: number): string {
  const found = Object.entries(OPCODE).find(([, value]) => value === opcode)
  return found?.[0] ?? `opcode ${opcode}`
}

/** Requests that would change the file system. */
export const WRITE_OPCODES: ReadonlySet<number> = new Set([
  OPCODE.SETATTR,
  OPCODE.SYMLINK,
  OPCODE.MKNOD,
  OPCODE.MKDIR,
  OPCODE.UNLINK,
  OPCODE.RMDIR,
  OPCODE.RENAME,
  OPCODE.LINK,
  OPCODE.WRITE,
  OPCODE.SETXATTR,
  OPCODE.REMOVEXATTR,
  OPCODE.CREATE,
  OPCODE.FALLOCATE,
  OPCODE.RENAME2,
  OPCODE.COPY_FILE_RANGE,
  OPCODE.TMPFILE,
])

/** Bits of an OPEN reply. */
export const OPEN_FLAGS = { DIRECT_IO: 1, KEEP_CACHE: 2 } as const

/** nodeid of the mount's root. */
export const ROOT_NODEID = 1

/** The protocol version that this package was written for. */
export const PROTOCOL_MAJOR = 7
export const PROTOCOL_MINOR = 41
/** The oldest kernel protocol that can be served: of Linux 5.4. */
export const PROTOCOL_MINOR_OLDEST = 31

/** Capability bits of INIT, 0..31 in `flags` and 32..63 in `flags2`. */
export const INIT_FLAGS = {
  ASYNC_READ: 1n << 0n, // several reads of one file at a time
  EXPORT_SUPPORT: 1n << 4n, // "." and ".." can be looked up
  DO_READDIRPLUS: 1n << 13n,
  READDIRPLUS_AUTO: 1n << 14n, // plus only where the caller stats what it lists
  NO_OPEN_SUPPORT: 1n << 17n, // ENOSYS to OPEN means: never ask again
  PARALLEL_DIROPS: 1n << 18n,
  ABORT_ERROR: 1n << 21n, // ECONNABORTED from an aborted connection, ENODEV from an unmounted one
  MAX_PAGES: 1n << 22n, // requests above 128 KiB
  CACHE_SYMLINKS: 1n << 23n,
  NO_OPENDIR_SUPPORT: 1n << 24n,
  INIT_EXT: 1n << 30n, // flags2 is valid
  HAS_RESEND: 1n << 39n, // pending requests can be asked for again
} as const
