// SPDX-License-Identifier: Apache-2.0
/** Writes a whole bootstrap of either version. */
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import type { BlobInfo } from '@nydus/rafs-format'
import type { FsVersion } from '../layer/build-options.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import { writeBootstrapV5 } from './write-bootstrap-v5.ts'
import { writeBootstrapPiecesV6, writeBootstrapV6 } from './write-bootstrap-v6.ts'

/** A blob of the table to write; its position in the list is its index. */
export type BlobDescription = Omit<BlobInfo, 'blobIndex' | 'chunkSize'>

/** What a bootstrap is written from. */
export interface BootstrapInput {
  /** Default 6. */
  readonly fsVersion?: FsVersion
  readonly tree: FileTree
  /** In table order: `ChunkInfo.blobIndex` of the tree's chunks counts in it. Empty when the tree has no chunks. */
  readonly blobs: readonly BlobDescription[]
  /** Bytes of every chunk of a file but the last: a power of two, 4 KiB … 16 MiB. */
  readonly chunkSize: number
  readonly compressor: Compressor
  readonly digester: Digester
  /** Absolute paths for the prefetch table; none by default. */
  readonly prefetchPatterns?: readonly string[]
  /** Flags to set besides those that the input implies, SUPER_FLAGS. TARFS_MODE makes blocks of 512 bytes. */
  readonly extraFlags?: bigint
  /** False leaves EXPLICIT_UID_GID out, for trees without owners. */
  readonly explicitOwners?: boolean
}

/**
 * Sets `ino` of all nodes, otherwise leaves the tree alone. The same input gives the same bytes.
 * @returns the bootstrap.
 * @throws {BuildError} ERR_BUILD_TOO_LARGE for more blobs than the version allows or a bootstrap above 4 GiB,
 *   ERR_BUILD_OPTION_CONFLICT when a file's chunks do not cover it or name a blob that is not in the table.
 */
export function writeBootstrap(input: BootstrapInput): Uint8Array {
  return input.fsVersion === 5 ? writeBootstrapV5(input) : writeBootstrapV6(input)
}

/**
 * The bytes of `writeBootstrap` in pieces. Throws like it, before the first piece.
 * @param reuse a piece is only valid until the next; otherwise they belong to the caller.
 */
export function writeBootstrapPieces(input: BootstrapInput, reuse: boolean): Iterable<Uint8Array> {
  return input.fsVersion === 5 ? [writeBootstrapV5(input)] : writeBootstrapPiecesV6(input, reuse)
}
