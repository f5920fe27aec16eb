// SPDX-License-Identifier: Apache-2.0
/** Opening a bootstrap, the metadata file of an image, of RAFS v5 or v6. The pictures are in v5/open-bootstrap.ts and v6/open-bootstrap.ts. */
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { openV5Bootstrap } from './v5/open-bootstrap.ts'
import { hasV5Magic, type V5SuperBlock } from './v5/superblock.ts'
import type { BlobInfo } from './v6/blob-table.ts'
import type { ChunkTable } from './v6/chunk-table.ts'
import { openV6Bootstrap } from './v6/open-bootstrap.ts'
import type { SuperBlock } from './v6/superblock.ts'

/** What both versions have. An open bootstrap keeps a view of the bytes; they must not change while it is used. */
export interface BootstrapMembers {
  readonly bytes: Uint8Array
  /** Bytes: 4096, tarfs 512. */
  readonly blockSize: number
  /** Bytes of every chunk of a file but the last. */
  readonly chunkSize: number
  /** SUPER_FLAGS. */
  readonly flags: bigint
  /** Default compressor of the image; each blob has its own. */
  readonly compressor: Compressor
  readonly digester: Digester
  /** As the superblock says: v6 counts every hard link, v5 each inode once. */
  readonly inodeCount: number
  /** v6: 128. v5: 1. */
  readonly rootNid: number
  readonly blobs: readonly BlobInfo[]
  /** Bytes from the start of the bootstrap: v6: nid n is at `metaOffset + 32 n`. v5: where the inode table starts. */
  readonly metaOffset: number
  /** nids to fetch ahead, in order; the root's means everything. @throws {FormatError} when the table leaves the bootstrap. */
  prefetchNids(): number[]
  /**
   * Opened on first use. v5 has none: there it is made of the chunk records of all files, sorted by blob and place, which
   * reads all inodes once.
   * @throws {FormatError} when the table, or an inode of v5, leaves the bootstrap.
   */
  chunkTable(): ChunkTable
}

/** An open RAFS v5 bootstrap. A nid is an index: the number of a node, from 1. */
export interface V5Bootstrap extends BootstrapMembers {
  readonly fsVersion: 5
  readonly superBlock: V5SuperBlock
  /** Over `bytes`. */
  readonly view: DataView
  /** False for images of builders before v1.1, whose bootstraps lack sizes, chunk counts and chunk indexes. */
  readonly hasBlobSizes: boolean
}

/** An open RAFS v6 bootstrap. A nid is a slot number. */
export interface V6Bootstrap extends BootstrapMembers {
  readonly fsVersion: 6
  readonly superBlock: SuperBlock
}

/** An open bootstrap. `fsVersion` tells which. */
export type Bootstrap = V5Bootstrap | V6Bootstrap

/**
 * Opens a bootstrap: reads superblocks and blob table, whatever the number of files.
 * @param bytes the whole bootstrap, over an ArrayBuffer or a SharedArrayBuffer; kept as a view.
 * @throws {FormatError} ERR_FORMAT_BAD_MAGIC, ERR_FORMAT_UNSUPPORTED_VERSION for RAFS before v5, ERR_FORMAT_TRUNCATED,
 *   ERR_FORMAT_OUT_OF_RANGE, ERR_FORMAT_MISALIGNED, ERR_FORMAT_CORRUPT, ERR_FORMAT_U64_OVERFLOW,
 *   ERR_FORMAT_UNSUPPORTED_FEATURE, ERR_FORMAT_UNSUPPORTED_COMPRESSION.
 * @example
 * const bootstrap = openBootstrap(bytes)
 * for (const entry of readDirectory(bootstrap, bootstrap.rootNid)) console.log(entry.nid, entry.name)
 */
export function openBootstrap(bytes: Uint8Array): Bootstrap {
  return hasV5Magic(bytes) ? openV5Bootstrap(bytes) : openV6Bootstrap(bytes)
}
