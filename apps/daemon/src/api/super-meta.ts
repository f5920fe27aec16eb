// SPDX-License-Identifier: Apache-2.0
/** The answer to `GET /api/v1/daemon/backend`: the superblock, with every member of the original's structure. */
import type { Bootstrap } from '@nydus/rafs-format'

/** JSON of the original's `RafsSuperMeta`. */
export type SuperMeta = Readonly<Record<string, unknown>>

const V5_MAGIC = 0x5241_4653
const V6_MAGIC = 0xe0f5_e1e2
const VERSION = { 5: 0x500, 6: 0x600 } as const
const V5_SUPER_BLOCK_BYTES = 8192
/** Where the device table of every v6 bootstrap is. */
const DEVICE_TABLE_OFFSET = 1408
const PREFETCH_ENTRY_BYTES = 4
/** Twice what fits into 32 bits of seconds: for ever. */
const FOR_EVER = { secs: 2 ** 32, nanos: 0 }

/** Describes an open bootstrap. */
export function superMeta(bootstrap: Bootstrap): SuperMeta {
  const { fsVersion, chunkSize, inodeCount, flags } = bootstrap
  return {
    magic: fsVersion === 5 ? V5_MAGIC : V6_MAGIC,
    version: VERSION[fsVersion],
    sb_size: fsVersion === 5 ? V5_SUPER_BLOCK_BYTES : 0,
    root_inode: fsVersion === 5 ? bootstrap.rootNid : 0,
    chunk_size: chunkSize,
    batch_size: 0,
    inodes_count: inodeCount,
    flags: { bits: Number(flags) },
    ...tables(bootstrap),
  }
}

function tables(bootstrap: Bootstrap): SuperMeta {
  if (bootstrap.fsVersion === 5) return v5Tables(bootstrap)
  const { superBlock } = bootstrap
  return {
    inode_table_entries: 0,
    inode_table_offset: 0,
    blob_table_size: superBlock.blobTableSize,
    blob_table_offset: superBlock.blobTableOffset,
    extended_blob_table_offset: 0,
    extended_blob_table_entries: 0,
    blob_device_table_count: superBlock.extraDevices,
    blob_device_table_offset: DEVICE_TABLE_OFFSET,
    prefetch_table_offset: superBlock.prefetchTableOffset,
    prefetch_table_entries: superBlock.prefetchTableSize / PREFETCH_ENTRY_BYTES,
    attr_timeout: FOR_EVER,
    entry_timeout: FOR_EVER,
    is_chunk_dict: false,
    meta_blkaddr: superBlock.metaBlockAddr,
    root_nid: superBlock.rootNid,
    chunk_table_offset: superBlock.chunkTableOffset,
    chunk_table_size: superBlock.chunkTableSize,
  }
}

function v5Tables({ superBlock }: Extract<Bootstrap, { fsVersion: 5 }>): SuperMeta {
  return {
    inode_table_entries: superBlock.inodeTableEntries,
    inode_table_offset: superBlock.inodeTableOffset,
    blob_table_size: superBlock.blobTableSize,
    blob_table_offset: superBlock.blobTableOffset,
    extended_blob_table_offset: superBlock.extendedBlobTableOffset,
    extended_blob_table_entries: superBlock.extendedBlobTableEntries,
    blob_device_table_count: 0,
    blob_device_table_offset: 0,
    prefetch_table_offset: superBlock.prefetchTableOffset,
    prefetch_table_entries: superBlock.prefetchTableEntries,
    attr_timeout: FOR_EVER,
    entry_timeout: FOR_EVER,
    is_chunk_dict: false,
    meta_blkaddr: 0,
    root_nid: 0,
    chunk_table_offset: 0,
    chunk_table_size: 0,
  }
}
