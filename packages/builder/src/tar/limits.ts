// SPDX-License-Identifier: Apache-2.0

/** Caps on what one tar entry may claim; a bigger claim raises ERR_BUILD_TOO_LARGE before memory is taken. */
export interface TarLimits {
  /** Bytes of a PAX header or of a GNU long name; also bounds all xattrs of one entry. */
  readonly headerBytes: number
  /** Bytes of a path inside the archive. */
  readonly pathBytes: number
  /** Bytes of a symlink's target: Linux and RAFS readers refuse more. */
  readonly symlinkBytes: number
  /** Bytes of one file. */
  readonly fileBytes: number
  /** Bytes of one sparse file: its holes cost nothing in the tar but time in the build. */
  readonly sparseFileBytes: number
  /** Runs of data in one sparse file. */
  readonly sparseSegments: number
}

export const DEFAULT_TAR_LIMITS = {
  headerBytes: 1024 * 1024,
  pathBytes: 16 * 1024,
  symlinkBytes: 4095,
  // The uncompressed blob may have 2^44 bytes (its block addresses are 32 bits wide).
  fileBytes: 2 ** 44,
  sparseFileBytes: 16 * 2 ** 30,
  sparseSegments: 100_000,
} as const satisfies TarLimits
