// SPDX-License-Identifier: Apache-2.0
/**
 * Writes a whole RAFS v6 bootstrap.
 *
 *   0      zeros          1024 superblocks · 1408 device slots
 *   blobs  blob table · prefetch table                              (4096, later with more than 21 blobs)
 *   meta   one empty block · inodes, xattrs, chunk indexes, dirents, symlink targets
 *   chunks chunk table
 */
import { alignUp } from '@nydus/base/binary'
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import {
  BLOB_ENTRY_BYTES,
  BLOB_FEATURES,
  type BlobInfo,
  compressorFlag,
  digesterFlag,
  encodeBlobTable,
  encodeDeviceSlots,
  encodePrefetchTable,
  encodeSuperBlock,
  planDeviceSlots,
  SUPER_FLAGS,
} from '@nydus/rafs-format'
import {
  ChunkRecord,
  DEVICE_TABLE_OFFSET,
  DeviceSlot,
  EROFS_BLOCK_BYTES,
  EROFS_SLOT_BYTES,
  EROFS_SUPER_OFFSET,
} from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'
import { selectChunkRecords } from '../chunk/chunk-records.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import { type LayoutPlan, planLayout } from './plan-layout.ts'
import { resolvePrefetch } from './prefetch.ts'
import { writeInodes } from './write-inodes.ts'

/** A blob of the table to write; its position in the list is its index. */
export type BlobDescription = Omit<BlobInfo, 'blobIndex' | 'chunkSize'>

/** What a bootstrap is written from. */
export interface BootstrapInput {
  readonly tree: FileTree
  /** In table order: `ChunkInfo.blobIndex` of the tree's chunks counts in it. Empty when the tree has no chunks. */
  readonly blobs: readonly BlobDescription[]
  /** Bytes of every chunk of a file but the last: a power of two, 4 KiB … 16 MiB. */
  readonly chunkSize: number
  readonly compressor: Compressor
  readonly digester: Digester
  /** Absolute paths for the prefetch table; none by default. */
  readonly prefetchPatterns?: readonly string[]
  /** Flags to set besides those that the input implies, SUPER_FLAGS. */
  readonly extraFlags?: bigint
  /** False leaves EXPLICIT_UID_GID out, for trees without owners. */
  readonly explicitOwners?: boolean
}

/** Device ids are 8 bits wide and 0 means the bootstrap itself. */
const MAX_BLOBS = 254
const BLOCK = EROFS_BLOCK_BYTES

/** Where the parts go: bytes from the start of the bootstrap. */
interface Sections {
  readonly blobTable: number
  readonly prefetchTable: number
  readonly meta: number
  readonly chunkTable: number
  readonly size: number
}

/**
 * Sets `ino` of all nodes, otherwise leaves the tree alone. The same input gives the same bytes.
 * @param plan of the same tree with 4096-byte blocks, for callers that have made it.
 * @returns the bootstrap, a multiple of 4096 bytes.
 * @throws {BuildError} ERR_BUILD_TOO_LARGE for more than 254 blobs or a bootstrap above 4 GiB,
 *   ERR_BUILD_OPTION_CONFLICT when a file's chunks do not cover it or name a blob that is not in the table.
 */
export function writeBootstrap(
  input: BootstrapInput,
  plan: LayoutPlan = planLayout(input.tree.root, BLOCK),
): Uint8Array {
  const { tree, chunkSize } = input
  checkBlobCount(input.blobs.length)
  const blobs = input.blobs.map((blob, blobIndex): BlobInfo => ({ ...blob, blobIndex, chunkSize }))
  const records = selectChunkRecords(plan, tree.chunks)
  const prefetch = blobs.length === 0 ? [] : prefetchNids(tree, plan, input.prefetchPatterns ?? [])
  const sections = placeSections(plan, blobs.length, prefetch.length, records.length)
  const bytes = new Uint8Array(sections.size)
  writeInodes(bytes, {
    plan,
    chunks: tree.chunks,
    metaOffset: sections.meta,
    blockSize: BLOCK,
    chunkSize,
    blobs,
  })
  for (const [i, record] of records.entries()) {
    bytes.set(tree.chunks.bytes(record), sections.chunkTable + i * ChunkRecord.size)
  }
  bytes.set(encodePrefetchTable(prefetch), sections.prefetchTable)
  bytes.set(encodeBlobTable(blobs), sections.blobTable)
  bytes.set(encodeDeviceSlots(planDeviceSlots(blobs, sections.size, BLOCK)), DEVICE_TABLE_OFFSET)
  bytes.set(superBlockOf(input, plan, sections, prefetch.length, records.length), EROFS_SUPER_OFFSET)
  return bytes
}

function checkBlobCount(count: number): void {
  if (count <= MAX_BLOBS) return
  throw new BuildError('ERR_BUILD_TOO_LARGE', `${count} blobs, an image can refer to ${MAX_BLOBS}`, {
    details: { count, limit: MAX_BLOBS },
    hint: 'squash layers of the source image',
  })
}

function prefetchNids(tree: FileTree, plan: LayoutPlan, patterns: readonly string[]): number[] {
  return resolvePrefetch(tree.root, patterns).map(
    (node) => (plan.inodeOffsets[node.ino - 1] as number) / EROFS_SLOT_BYTES,
  )
}

function placeSections(plan: LayoutPlan, blobs: number, prefetch: number, records: number): Sections {
  const blobTable = alignUp(DEVICE_TABLE_OFFSET + DeviceSlot.size * blobs, BLOCK)
  const prefetchTable = blobTable + BLOB_ENTRY_BYTES * blobs
  const meta = blobs === 0 ? 0 : alignUp(prefetchTable + 4 * prefetch, BLOCK)
  const chunkTable = meta + plan.end
  const size = alignUp(chunkTable + ChunkRecord.size * records, BLOCK)
  if (size > 0xffff_ffff) {
    throw new BuildError('ERR_BUILD_TOO_LARGE', `bootstrap of ${size} bytes, at most 4 GiB can be written`, {
      details: { size },
    })
  }
  return { blobTable, prefetchTable, meta, chunkTable, size }
}

function superBlockOf(
  input: BootstrapInput,
  plan: LayoutPlan,
  sections: Sections,
  prefetchCount: number,
  recordCount: number,
): Uint8Array {
  const { blobs, chunkSize } = input
  return encodeSuperBlock({
    blockSize: BLOCK,
    rootNid: (plan.inodeOffsets[0] as number) / EROFS_SLOT_BYTES,
    inodeCount: plan.nodes.length,
    blocks: blobs.reduce((sum, blob) => sum + Math.floor(blob.uncompressedSize / BLOCK), 0),
    metaBlockAddr: sections.meta / BLOCK,
    extraDevices: blobs.length,
    flags: superFlags(input, plan),
    blobTableOffset: sections.blobTable,
    blobTableSize: BLOB_ENTRY_BYTES * blobs.length,
    chunkSize,
    chunkTableOffset: sections.chunkTable,
    chunkTableSize: ChunkRecord.size * recordCount,
    prefetchTableOffset: prefetchCount === 0 ? 0 : sections.prefetchTable,
    prefetchTableSize: 4 * prefetchCount,
  })
}

function superFlags(input: BootstrapInput, plan: LayoutPlan): bigint {
  const { blobs } = input
  let flags = compressorFlag(input.compressor) | digesterFlag(input.digester) | (input.extraFlags ?? 0n)
  const encrypted = blobs.some(({ cipher }) => cipher !== 0)
  flags |= encrypted ? SUPER_FLAGS.ENCRYPTION_AES_128_XTS : SUPER_FLAGS.ENCRYPTION_NONE
  if (input.explicitOwners !== false) flags |= SUPER_FLAGS.EXPLICIT_UID_GID
  if (plan.nodes.some(({ xattrs }) => xattrs.length > 0)) flags |= SUPER_FLAGS.HAS_XATTR
  if (blobs.every(({ features }) => (features & BLOB_FEATURES.INLINED_CHUNK_DIGEST) !== 0)) {
    flags |= SUPER_FLAGS.INLINED_CHUNK_DIGEST
  }
  return flags
}
