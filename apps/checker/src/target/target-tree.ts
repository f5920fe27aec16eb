// SPDX-License-Identifier: Apache-2.0
/** The port that everything compared with a source tree meets: a bootstrap, or a real mount. */
import type { ByteText } from '../byte-path.ts'

/** Attributes of one object of the target. */
export interface TargetAttributes {
  /** st_mode. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Whole seconds since 1970. */
  readonly mtime: number
  /** Bytes; any number for directories and devices. */
  readonly size: number
  /** Linux device number; 0 for everything but devices. */
  readonly rdev: number
  /** Equal for two names of one file, different for two files. */
  readonly identity: number | string
  readonly symlink: ByteText | undefined
  /** Undefined where they cannot be read. */
  readonly xattrs: ReadonlyMap<ByteText, ByteText> | undefined
}

/** A file system to compare. `Ref` names one object in it. */
export interface TargetTree<Ref> {
  readonly root: Ref
  /** Objects that may be read at a time, at least 1. */
  readonly concurrency: number
  attributes(ref: Ref): TargetAttributes | Promise<TargetAttributes>
  /** Entries of a directory, without `.` and `..`. */
  list(ref: Ref): ReadonlyMap<ByteText, Ref> | Promise<ReadonlyMap<ByteText, Ref>>
  /**
   * Compares a file with the chunk digests of the source's.
   * @returns what differs, in words, or undefined.
   */
  contentFault(ref: Ref, chunkDigests: Uint8Array): string | undefined | Promise<string | undefined>
}
