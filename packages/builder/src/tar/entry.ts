// SPDX-License-Identifier: Apache-2.0
/** What `readTar` yields: one file system object, already resolved from ustar, GNU and PAX headers. */
import { FILE_TYPE, type Xattr } from '@nydus/rafs-format'

/** Kinds of entries that have a place in an image. */
export type TarEntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo'

/** Type bits of st_mode of each kind; a hard link has its target's. */
export const ENTRY_FILE_TYPE = {
  file: FILE_TYPE.REGULAR,
  directory: FILE_TYPE.DIRECTORY,
  symlink: FILE_TYPE.SYMLINK,
  char: FILE_TYPE.CHAR_DEVICE,
  block: FILE_TYPE.BLOCK_DEVICE,
  fifo: FILE_TYPE.FIFO,
} as const satisfies Record<Exclude<TarEntryKind, 'hardlink'>, number>

/** One member of a tar archive. Everything but `content` is the entry's own and may be kept. */
export interface TarEntry {
  /** Components of the normalised path, raw bytes; `[]` is the root. Never empty, `.` or `..` components. */
  readonly path: readonly Uint8Array[]
  readonly kind: TarEntryKind
  /** The 12 permission bits. */
  readonly mode: number
  /** 0 … 2^32 − 1. */
  readonly uid: number
  /** 0 … 2^32 − 1. */
  readonly gid: number
  /** Whole seconds since 1970; negative before. */
  readonly mtime: number
  /** 0 unless `readTar` is told to keep fractions. */
  readonly mtimeNsec: number
  /** Bytes that `content` yields; 0 for everything but files. */
  readonly size: number
  /** Target of a symlink (any bytes) or of a hard link (a path inside the archive, as written there). */
  readonly target?: Uint8Array
  /** Device numbers of 'char' and 'block' entries, 0 for others. */
  readonly rdevMajor: number
  readonly rdevMinor: number
  /** Extended attributes sorted by name, names with their prefix. */
  readonly xattrs: readonly Xattr[]
  /**
   * The file's bytes in pieces of any size; readable once, and only until the next entry is asked for. What is not
   * consumed is skipped. The pieces may be views of the source's buffers: copy what must outlive the next piece.
   */
  readonly content: AsyncIterable<Uint8Array>
  /** Bytes before the entry's own header in the tar, for messages. */
  readonly offset: number
  /** Bytes before the content in the tar; absent where the content does not lie there as it is: sparse files. */
  readonly contentOffset?: number
}
