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
import type { ChunkStore } from '../tree/chunk-store.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import { isRegular } from '../tree/node.ts'
import { checkFileChunks } from './check-chunks.ts'
import { type LayoutPlan, planLayout } from './plan-layout.ts'
import { resolvePrefetch } from './prefetch.ts'
import type { BootstrapInput } from './write-bootstrap.ts'
import { checkNames } from './write-dirents.ts'
import { type InodeAreaInput, writeInodes } from './write-inodes.ts'

/** Device ids are 8 bits wide and 0 means the bootstrap itself. */
const MAX_BLOBS = 254
/** Sections start at multiples of this, whatever the block size. */
const BLOCK = EROFS_BLOCK_BYTES
const TARFS_BLOCK_BYTES = 512

/** Where the parts go: bytes from the start of the bootstrap. */
interface Sections {
  readonly blobTable: number
  readonly prefetchTable: number
  readonly meta: number
  /** The first of them; the block before it stays empty. */
  readonly inodes: number
  readonly chunkTable: number
  readonly size: number
}

/** See `writeBootstrap`. At most 254 blobs. @returns a multiple of 4096 bytes. */
export function writeBootstrapV6(input: BootstrapInput): Uint8Array {
  const draft = draftBootstrap(input)
  const { records, sections } = draft
  const bytes = new Uint8Array(sections.size)
  fillHead(bytes, draft)
  const inodes = bytes.subarray(sections.inodes, sections.chunkTable)
  writeInodes({ bytes: inodes, start: sections.inodes }, inodeInput(draft))
  const table = new Uint32Array(bytes.buffer, sections.chunkTable, RECORD_WORDS * records.length)
  copyRecords(table, input.tree.chunks, records, 0)
  return bytes
}

/**
 * The same bytes in pieces, which are never in memory together. See `writeBootstrapPieces`.
 * @param inodeBytes of a piece of the inode area: all inodes are gone through for each.
 */
export function* writeBootstrapPiecesV6(
  input: BootstrapInput,
  reuse: boolean,
  inodeBytes = INODE_PIECE_BYTES,
): Generator<Uint8Array, void, undefined> {
  const draft = draftBootstrap(input)
  const head = new Uint8Array(draft.sections.inodes)
  fillHead(head, draft)
  yield head
  yield* inodePieces(draft, reuse, inodeBytes)
  yield* chunkTablePieces(draft, reuse)
}

function* inodePieces(
  draft: Draft,
  reuse: boolean,
  pieceBytes: number,
): Generator<Uint8Array, void, undefined> {
  const { inodes, chunkTable } = draft.sections
  const input = inodeInput(draft)
  const shared = reuse ? new Uint8Array(Math.min(pieceBytes, chunkTable - inodes)) : undefined
  for (let start = inodes; start < chunkTable; start += pieceBytes) {
    const size = Math.min(pieceBytes, chunkTable - start)
    const bytes = shared?.subarray(0, size).fill(0) ?? new Uint8Array(size)
    writeInodes({ bytes, start }, input)
    yield bytes
  }
}

function* chunkTablePieces(
  { records, input }: Draft,
  reuse: boolean,
): Generator<Uint8Array, void, undefined> {
  let shared: Uint8Array<ArrayBuffer> | undefined
  for (let first = 0; first < records.length; first += RECORDS_PER_PIECE) {
    const count = Math.min(RECORDS_PER_PIECE, records.length - first)
    const isLast = first + count === records.length
    const size = count * ChunkRecord.size
    const piece =
      !isLast && shared !== undefined ? shared : new Uint8Array(isLast ? alignUp(size, BLOCK) : size)
    if (reuse && !isLast) shared = piece
    copyRecords(new Uint32Array(piece.buffer, 0, count * RECORD_WORDS), input.tree.chunks, records, first)
    yield piece
  }
}

const INODE_PIECE_BYTES = 8 << 20
const RECORD_WORDS = ChunkRecord.size / 4
/** Whole blocks: 1,310,720 bytes. */
const RECORDS_PER_PIECE = 1 << 14

/** All that is decided before the first byte is written. */
interface Draft {
  readonly input: BootstrapInput
  readonly plan: LayoutPlan
  readonly blobs: readonly BlobInfo[]
  readonly prefetch: readonly number[]
  /** Indexes of the records of the chunk table. */
  readonly records: Uint32Array
  readonly sections: Sections
}

function draftBootstrap(input: BootstrapInput): Draft {
  const { tree, chunkSize } = input
  const plan = planLayout(tree.root, blockSizeOf(input))
  checkBlobCount(input.blobs.length)
  checkNames(plan, blockSizeOf(input))
  for (const [number, node] of plan.nodes.entries()) {
    if (isRegular(node))
      checkFileChunks({ ...input, chunks: tree.chunks }, node, plan.names[number] as string)
  }
  const blobs = input.blobs.map((blob, blobIndex): BlobInfo => ({ ...blob, blobIndex, chunkSize }))
  const records = selectChunkRecords(plan, tree.chunks)
  const prefetch = blobs.length === 0 ? [] : prefetchNids(tree, plan, input.prefetchPatterns ?? [])
  const sections = placeSections(plan, blobs.length, prefetch.length, records.length)
  return { input, plan, blobs, prefetch, records, sections }
}

function inodeInput({ input, plan, sections }: Draft): InodeAreaInput {
  const { chunkSize, tree } = input
  const blockSize = blockSizeOf(input)
  return { plan, chunks: tree.chunks, metaOffset: sections.meta, blockSize, chunkSize }
}

/** Writes everything in front of the inodes. */
function fillHead(bytes: Uint8Array, { input, plan, blobs, prefetch, records, sections }: Draft): void {
  const blockSize = blockSizeOf(input)
  bytes.set(encodePrefetchTable(prefetch), sections.prefetchTable)
  bytes.set(encodeBlobTable(blobs), sections.blobTable)
  bytes.set(encodeDeviceSlots(planDeviceSlots(blobs, sections.size, blockSize)), DEVICE_TABLE_OFFSET)
  bytes.set(superBlockOf(input, plan, sections, prefetch.length, records.length), EROFS_SUPER_OFFSET)
}

/** Fills `table` with the records from `first` on. */
function copyRecords(table: Uint32Array, chunks: ChunkStore, records: Uint32Array, first: number): void {
  for (let at = 0, i = first; at < table.length; at += RECORD_WORDS, i++) {
    chunks.copyWords(records[i] as number, table, at)
  }
}

/** Tars have their data at multiples of 512. */
function blockSizeOf({ extraFlags = 0n }: BootstrapInput): number {
  return (extraFlags & SUPER_FLAGS.TARFS_MODE) === 0n ? EROFS_BLOCK_BYTES : TARFS_BLOCK_BYTES
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
  return { blobTable, prefetchTable, meta, inodes: meta + BLOCK, chunkTable, size }
}

function superBlockOf(
  input: BootstrapInput,
  plan: LayoutPlan,
  sections: Sections,
  prefetchCount: number,
  recordCount: number,
): Uint8Array {
  const { blobs, chunkSize } = input
  const blockSize = blockSizeOf(input)
  return encodeSuperBlock({
    blockSize,
    rootNid: (plan.inodeOffsets[0] as number) / EROFS_SLOT_BYTES,
    inodeCount: plan.nodes.length,
    blocks: blobs.reduce((sum, blob) => sum + Math.floor(blob.uncompressedSize / blockSize), 0),
    metaBlockAddr: sections.meta / blockSize,
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
  const aes = SUPER_FLAGS.ENCRYPTION_AES_128_XTS
  const encrypted = (flags & aes) !== 0n || blobs.some(({ cipher }) => cipher !== 0)
  flags |= encrypted ? aes : SUPER_FLAGS.ENCRYPTION_NONE
  if (input.explicitOwners !== false) flags |= SUPER_FLAGS.EXPLICIT_UID_GID
  if (plan.nodes.some(({ xattrs }) => xattrs.length > 0)) flags |= SUPER_FLAGS.HAS_XATTR
  if (blobs.every(({ features }) => (features & BLOB_FEATURES.INLINED_CHUNK_DIGEST) !== 0)) {
    flags |= SUPER_FLAGS.INLINED_CHUNK_DIGEST
  }
  return flags
}
