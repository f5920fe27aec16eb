// SPDX-License-Identifier: Apache-2.0
/** Places of the tar header fields that section trailers use. Source: POSIX.1-2017 pax, "ustar Interchange Format". */

export const TAR_HEADER_BYTES = 512
export const TAR_NAME = { offset: 0, length: 100 } as const
export const TAR_SIZE = { offset: 124, length: 12 } as const
export const TAR_MTIME = { offset: 136, length: 12 } as const
export const TAR_CHECKSUM = { offset: 148, length: 8 } as const
export const TAR_TYPE_FLAG = 156
export const TAR_MAGIC = { offset: 257, length: 8 } as const
export const TAR_PREFIX = { offset: 345, length: 155 } as const
/** Magic and version of GNU tar. */
export const TAR_MAGIC_GNU = 'ustar  \0'
