// SPDX-License-Identifier: Apache-2.0
/**
 * A RAFS v5 bootstrap.
 *
 *   0      superblock, 8192 bytes
 *   8192   inode offset table · prefetch table · blob table · extended blob table
 *          inode records with names, symlink targets, xattrs and chunk records: depth first, before 2023 in index order
 */
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import type { V5Bootstrap } from '../bootstrap.ts'
import { SUPER_FLAGS } from '../flags.ts'
import { EROFS_BLOCK_BYTES } from '../layout/erofs.ts'
import { V5_ROOT_INO } from '../layout/v5.ts'
import { decodePrefetchTable, PREFETCH_ENTRY_BYTES } from '../prefetch-table.ts'
import { decodeV5BlobTables } from './blob-table.ts'
import { v5Chunks } from './collect-chunks.ts'
import { decodeV5SuperBlock } from './superblock.ts'

/** Opens a v5 bootstrap: see `openBootstrap`. */
export function openV5Bootstrap(bytes: Uint8Array): V5Bootstrap {
  const superBlock = decodeV5SuperBlock(bytes)
  const { chunkSize, flags, inodeCount } = superBlock
  const compressor = compressorOf(flags)
  const digester = digesterOf(flags)
  const bootstrap: V5Bootstrap = {
    fsVersion: 5,
    bytes,
    blockSize: EROFS_BLOCK_BYTES,
    chunkSize,
    flags,
    compressor,
    digester,
    inodeCount,
    rootNid: V5_ROOT_INO,
    blobs: decodeV5BlobTables(bytes, superBlock, { chunkSize, compressor, digester }),
    metaOffset: superBlock.inodeTableOffset,
    superBlock,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    hasBlobSizes: superBlock.extendedBlobTableEntries > 0,
    prefetchNids() {
      const size = superBlock.prefetchTableEntries * PREFETCH_ENTRY_BYTES
      return decodePrefetchTable(bytes, superBlock.prefetchTableOffset, size)
    },
    chunkTable: () => v5Chunks(bootstrap).table,
  }
  return bootstrap
}

/** Of several bits the first counts, as in the original; images without any are older than the bits. */
function compressorOf(flags: bigint): Compressor {
  if ((flags & SUPER_FLAGS.COMPRESSION_NONE) !== 0n) return 'none'
  if ((flags & SUPER_FLAGS.COMPRESSION_LZ4) !== 0n) return 'lz4_block'
  if ((flags & SUPER_FLAGS.COMPRESSION_GZIP) !== 0n) return 'gzip'
  return (flags & SUPER_FLAGS.COMPRESSION_ZSTD) !== 0n ? 'zstd' : 'lz4_block'
}

function digesterOf(flags: bigint): Digester {
  const sha256 = (flags & SUPER_FLAGS.HASH_SHA256) !== 0n && (flags & SUPER_FLAGS.HASH_BLAKE3) === 0n
  return sha256 ? 'sha256' : 'blake3'
}
