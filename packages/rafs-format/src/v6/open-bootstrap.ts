// SPDX-License-Identifier: Apache-2.0
/**
 * A RAFS v6 bootstrap, which is an EROFS image without file data.
 *
 *   0      zeros         1024 superblock · 1152 extended superblock · 1408 device slots
 *   4096   blob table · prefetch table
 *   meta   (nid 0 counts from here) inodes with xattrs, chunk indexes, dirent blocks, symlink targets
 *          chunk table
 */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { V6Bootstrap } from '../bootstrap.ts'
import { COMPRESSOR_IDS, compressorFlag, DIGESTER_IDS, digesterFlag } from '../flags.ts'
import { decodePrefetchTable } from '../prefetch-table.ts'
import { BLOB_ENTRY_BYTES, type BlobInfo, decodeBlobTable } from './blob-table.ts'
import { type ChunkTable, openChunkTable } from './chunk-table.ts'
import { decodeSuperBlock, type SuperBlock } from './superblock.ts'

/** Opens a v6 bootstrap: see `openBootstrap`. */
export function openV6Bootstrap(bytes: Uint8Array): V6Bootstrap {
  const superBlock = decodeSuperBlock(bytes)
  const { blockSize, chunkSize, flags, inodeCount, rootNid } = superBlock
  const metaOffset = superBlock.metaBlockAddr * blockSize
  checkRange(metaOffset, 0, bytes.length, 'inode area')
  let chunkTable: ChunkTable | undefined
  return {
    fsVersion: 6,
    bytes,
    blockSize,
    chunkSize,
    flags,
    compressor: onlyOne(COMPRESSOR_IDS, flags, compressorFlag, 'compressor'),
    digester: onlyOne(DIGESTER_IDS, flags, digesterFlag, 'digester'),
    inodeCount,
    rootNid,
    blobs: readBlobTable(bytes, superBlock),
    metaOffset,
    superBlock,
    prefetchNids: () =>
      decodePrefetchTable(bytes, superBlock.prefetchTableOffset, superBlock.prefetchTableSize),
    chunkTable() {
      chunkTable ??= openChunkTable(bytes, superBlock.chunkTableOffset, superBlock.chunkTableSize)
      return chunkTable
    },
  }
}

function readBlobTable(bytes: Uint8Array, superBlock: SuperBlock): readonly BlobInfo[] {
  const { blobTableOffset, blobTableSize, extraDevices, chunkSize } = superBlock
  if (blobTableSize !== extraDevices * BLOB_ENTRY_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob table of ${blobTableSize} bytes for ${extraDevices} devices`,
      {
        details: { blobTableSize, extraDevices },
      },
    )
  }
  return decodeBlobTable(bytes, blobTableOffset, extraDevices, chunkSize)
}

function onlyOne<T extends string>(
  ids: Readonly<Record<T, number>>,
  flags: bigint,
  flagOf: (name: T) => bigint,
  what: string,
): T {
  const names = (Object.keys(ids) as T[]).filter((name) => (flags & flagOf(name)) !== 0n)
  const [name] = names
  if (name !== undefined && names.length === 1) return name
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `superblock flags 0x${flags.toString(16)} name ${names.length} ${what}s`,
    {
      details: { flags: `0x${flags.toString(16)}`, names },
    },
  )
}
