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
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import { COMPRESSOR_IDS, compressorFlag, DIGESTER_IDS, digesterFlag } from './flags.ts'
import { decodePrefetchTable } from './prefetch-table.ts'
import { BLOB_ENTRY_BYTES, type BlobInfo, decodeBlobTable } from './v6/blob-table.ts'
import { type ChunkTable, openChunkTable } from './v6/chunk-table.ts'
import { decodeSuperBlock, type SuperBlock } from './v6/superblock.ts'

/** An open bootstrap. It keeps a view of the bytes; they must not change while it is used. */
export interface Bootstrap {
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
  /** As the superblock says: every hard link counted. */
  readonly inodeCount: number
  readonly rootNid: number
  readonly blobs: readonly BlobInfo[]
  /** Bytes from the start of the bootstrap: nid n is at `metaOffset + 32 n`. */
  readonly metaOffset: number
  readonly superBlock: SuperBlock
  /** nids to fetch ahead, in order. @throws {FormatError} when the table leaves the bootstrap. */
  prefetchNids(): number[]
  /** Opened on first use. @throws {FormatError} when the table leaves the bootstrap. */
  chunkTable(): ChunkTable
}

/**
 * Opens a bootstrap: reads superblocks and blob table, whatever the number of files.
 * @param bytes the whole bootstrap, over an ArrayBuffer or a SharedArrayBuffer; kept as a view.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_VERSION for RAFS v5, ERR_FORMAT_BAD_MAGIC, ERR_FORMAT_TRUNCATED,
 *   ERR_FORMAT_OUT_OF_RANGE, ERR_FORMAT_CORRUPT, ERR_FORMAT_UNSUPPORTED_FEATURE, ERR_FORMAT_UNSUPPORTED_COMPRESSION.
 * @example
 * const bootstrap = openBootstrap(bytes)
 * for (const entry of readDirectory(bootstrap, bootstrap.rootNid)) console.log(entry.nid, entry.name)
 */
export function openBootstrap(bytes: Uint8Array): Bootstrap {
  const superBlock = decodeSuperBlock(bytes)
  const { blockSize, chunkSize, flags, inodeCount, rootNid } = superBlock
  const metaOffset = superBlock.metaBlockAddr * blockSize
  checkRange(metaOffset, 0, bytes.length, 'inode area')
  let chunkTable: ChunkTable | undefined
  return {
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
