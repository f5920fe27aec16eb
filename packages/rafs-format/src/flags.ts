// SPDX-License-Identifier: Apache-2.0
/** Superblock flags, blob features and the enumerations stored as numbers. */
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'

/** Superblock flag bits (u64). */
export const SUPER_FLAGS = {
  COMPRESSION_NONE: 0x1n,
  COMPRESSION_LZ4: 0x2n,
  HASH_BLAKE3: 0x4n,
  HASH_SHA256: 0x8n,
  EXPLICIT_UID_GID: 0x10n,
  HAS_XATTR: 0x20n,
  COMPRESSION_GZIP: 0x40n,
  COMPRESSION_ZSTD: 0x80n,
  INLINED_CHUNK_DIGEST: 0x100n,
  TARFS_MODE: 0x200n,
  ENCRYPTION_NONE: 0x100_0000n,
  ENCRYPTION_AES_128_XTS: 0x200_0000n,
  /** Six bits that readers tolerate. */
  PRESERVED_COMPAT: 0xfc00_0000n,
} as const

/** Blob feature bits (u32). */
export const BLOB_FEATURES = {
  ALIGNED: 0x1,
  INLINED_FS_META: 0x2,
  CHUNK_INFO_V2: 0x4,
  ZRAN: 0x8,
  SEPARATE: 0x10,
  INLINED_CHUNK_DIGEST: 0x20,
  TARFS: 0x40,
  BATCH: 0x80,
  ENCRYPTED: 0x100,
  IS_CHUNKDICT_GENERATED: 0x200,
  IS_SEPARATED_WITH_PREFETCH_FILES: 0x400,
  EXTERNAL: 0x800,
  HAS_TAR_HEADER: 0x1000_0000,
  HAS_TOC: 0x2000_0000,
  CAP_TAR_TOC: 0x4000_0000,
} as const
/** All bits that have a name. */
export const KNOWN_BLOB_FEATURES: number = Object.values(BLOB_FEATURES).reduce((all, bit) => all | bit, 0)
/** Low bits a reader may meet; any other low bit, and bit 31, make a blob unreadable. */
const KNOWN_LOW_FEATURES = 0x0fff
const RUNTIME_ONLY_FEATURE = 0x8000_0000

/** u32 of each compressor in blob tables and blob meta headers. */
export const COMPRESSOR_IDS = { none: 0, lz4_block: 1, gzip: 2, zstd: 3 } as const satisfies Record<
  Compressor,
  number
>
/** u32 of each digester. */
export const DIGESTER_IDS = { blake3: 0, sha256: 1 } as const satisfies Record<Digester, number>

const COMPRESSORS: readonly Compressor[] = ['none', 'lz4_block', 'gzip', 'zstd']
const DIGESTERS: readonly Digester[] = ['blake3', 'sha256']

/** @throws {FormatError} ERR_FORMAT_UNSUPPORTED_COMPRESSION for an unknown number. */
export function compressorFromId(id: number): Compressor {
  const compressor = COMPRESSORS[id]
  if (compressor !== undefined) return compressor
  throw new FormatError('ERR_FORMAT_UNSUPPORTED_COMPRESSION', `unknown compressor ${id}`, { details: { id } })
}

/** @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE for an unknown number. */
export function digesterFromId(id: number): Digester {
  const digester = DIGESTERS[id]
  if (digester !== undefined) return digester
  throw new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', `unknown digester ${id}`, { details: { id } })
}

/** Superblock flag of a compressor. */
export function compressorFlag(compressor: Compressor): bigint {
  return {
    none: SUPER_FLAGS.COMPRESSION_NONE,
    lz4_block: SUPER_FLAGS.COMPRESSION_LZ4,
    gzip: SUPER_FLAGS.COMPRESSION_GZIP,
    zstd: SUPER_FLAGS.COMPRESSION_ZSTD,
  }[compressor]
}

/** Superblock flag of a digester. */
export function digesterFlag(digester: Digester): bigint {
  return digester === 'blake3' ? SUPER_FLAGS.HASH_BLAKE3 : SUPER_FLAGS.HASH_SHA256
}

/** @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE when a blob has a feature this reader does not know. */
export function checkBlobFeatures(features: number, what: string): void {
  const unknown = (features & 0xffff & ~KNOWN_LOW_FEATURES) | (features & RUNTIME_ONLY_FEATURE)
  if (unknown === 0) return
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `${what}: unknown blob features 0x${(unknown >>> 0).toString(16)}`,
    {
      details: { features, unknown: unknown >>> 0 },
    },
  )
}

/** Names of the bits set in `features`, for listings. */
export function blobFeatureNames(features: number): readonly string[] {
  return Object.entries(BLOB_FEATURES).flatMap(([name, bit]) => ((features & bit) !== 0 ? [name] : []))
}

/** Names of the bits set in superblock `flags`, for listings. */
export function superFlagNames(flags: bigint): readonly string[] {
  return Object.entries(SUPER_FLAGS).flatMap(([name, bit]) => ((flags & bit) !== 0n ? [name] : []))
}
