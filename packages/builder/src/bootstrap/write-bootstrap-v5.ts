// SPDX-License-Identifier: Apache-2.0
/**
 * Writes a whole RAFS v5 bootstrap.
 *
 *   superblock (8192) · inode offset table · prefetch table · blob table · extended blob table · inode records
 *
 * An inode record is followed by its name, symlink target, xattrs and chunk records, so there is nothing else.
 */
import { alignUp } from '@nydus/base/binary'
import {
  compressorFlag,
  digesterFlag,
  encodePrefetchTable,
  encodeV5BlobTable,
  encodeV5ExtendedBlobTable,
  encodeV5InodeInto,
  encodeV5InodeTable,
  encodeV5SuperBlock,
  SUPER_FLAGS,
  V5_ROOT_NAME,
  type V5InodeValue,
  v5InodeBlocks,
  v5InodeTableSize,
} from '@nydus/rafs-format'
import { ChunkRecord, V5_INODE_FLAGS, V5_SUPER_BYTES } from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'
import { nameBytes } from '../tree/byte-name.ts'
import { isRegular, type Node } from '../tree/node.ts'
import { checkFileChunks } from './check-chunks.ts'
import type { NumberedDirectory } from './number-entries.ts'
import { inoOf, planV5, type V5Plan, v5DirectorySize } from './plan-v5.ts'
import { resolvePrefetch } from './prefetch.ts'
import { digestEntries } from './v5-digests.ts'
import type { BootstrapInput } from './write-bootstrap.ts'

/** Blob indexes have 32 bits, but readers refuse more blobs than this. */
const MAX_BLOBS = 255
/** Record offsets are stored in units of 8 bytes, below 2^29. */
const MAX_BYTES = 2 ** 32
const DIGEST_BYTES = 32

/** The tables in front of the records, and where they go: bytes from the start of the bootstrap. */
interface Tables {
  readonly prefetch: Uint8Array
  readonly prefetchCount: number
  readonly blobs: Uint8Array
  readonly extendedBlobs: Uint8Array
  readonly prefetchOffset: number
  readonly blobsOffset: number
  readonly extendedOffset: number
  readonly recordsOffset: number
}

/**
 * See `writeBootstrap`. At most 255 blobs.
 * @returns a multiple of 8 bytes.
 */
export function writeBootstrapV5(input: BootstrapInput): Uint8Array {
  const plan = planV5(input.tree.root)
  const tables = buildTables(input, plan)
  const size = tables.recordsOffset + plan.size
  if (size >= MAX_BYTES) {
    const message = `bootstrap of ${size} bytes, less than 4 GiB can be written`
    throw new BuildError('ERR_BUILD_TOO_LARGE', message, { details: { size } })
  }
  const bytes = new Uint8Array(size)
  bytes.set(superBlockOf(input, plan, tables))
  bytes.set(encodeV5InodeTable(plan.offsets.map((offset) => offset + tables.recordsOffset)), V5_SUPER_BYTES)
  bytes.set(tables.prefetch, tables.prefetchOffset)
  bytes.set(tables.blobs, tables.blobsOffset)
  bytes.set(tables.extendedBlobs, tables.extendedOffset)
  writeRecords(bytes, tables.recordsOffset, input, plan)
  return bytes
}

function buildTables({ blobs, tree, prefetchPatterns = [] }: BootstrapInput, plan: V5Plan): Tables {
  if (blobs.length > MAX_BLOBS) {
    throw new BuildError('ERR_BUILD_TOO_LARGE', `${blobs.length} blobs, an image can refer to ${MAX_BLOBS}`, {
      details: { count: blobs.length, limit: MAX_BLOBS },
      hint: 'squash layers of the source image',
    })
  }
  const inos = resolvePrefetch(tree.root, prefetchPatterns).map(({ ino }) => ino)
  const prefetch = encodePrefetchTable(inos)
  const blobTable = encodeV5BlobTable(blobs)
  const extendedBlobs = encodeV5ExtendedBlobTable(blobs)
  const prefetchOffset = V5_SUPER_BYTES + v5InodeTableSize(plan.nodes.length)
  const blobsOffset = prefetchOffset + alignUp(prefetch.length, 8)
  const extendedOffset = blobsOffset + blobTable.length
  const recordsOffset = extendedOffset + extendedBlobs.length
  const places = { prefetchOffset, blobsOffset, extendedOffset, recordsOffset }
  return { prefetch, prefetchCount: inos.length, blobs: blobTable, extendedBlobs, ...places }
}

function superBlockOf(input: BootstrapInput, plan: V5Plan, tables: Tables): Uint8Array {
  let flags = compressorFlag(input.compressor) | digesterFlag(input.digester) | (input.extraFlags ?? 0n)
  if (input.explicitOwners !== false) flags |= SUPER_FLAGS.EXPLICIT_UID_GID
  if (plan.nodes.some(({ xattrs }) => xattrs.length > 0)) flags |= SUPER_FLAGS.HAS_XATTR
  return encodeV5SuperBlock({
    chunkSize: input.chunkSize,
    flags,
    inodeCount: plan.inodeCount,
    inodeTableOffset: V5_SUPER_BYTES,
    inodeTableEntries: plan.nodes.length,
    prefetchTableOffset: tables.prefetchOffset,
    prefetchTableEntries: tables.prefetchCount,
    blobTableOffset: tables.blobsOffset,
    blobTableSize: tables.blobs.length,
    extendedBlobTableOffset: tables.extendedOffset,
    extendedBlobTableEntries: input.blobs.length,
  })
}

function writeRecords(bytes: Uint8Array, start: number, input: BootstrapInput, plan: V5Plan): void {
  const { chunks } = input.tree
  const digests = digestEntries(plan, chunks, input.digester)
  let directories = 0
  for (const number of plan.order) {
    const node = plan.nodes[number] as Node
    if (isRegular(node)) checkFileChunks({ ...input, chunks }, node, plan.names[number] as string)
    // The records are in the order of the list of directories.
    const directory = node.children === undefined ? undefined : plan.directories[directories++]
    const inode = { ...inodeOf(plan, number), ...childrenOf(directory) }
    const digest = digests.subarray(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES)
    let end = encodeV5InodeInto(bytes, start + (plan.offsets[number] as number), { ...inode, digest })
    for (let i = 0; i < node.chunkCount; i++) {
      bytes.set(chunks.bytes(node.chunkStart + i), end)
      end += ChunkRecord.size
    }
  }
}

function inodeOf(plan: V5Plan, number: number): Omit<V5InodeValue, 'digest'> {
  const node = plan.nodes[number] as Node
  const { uid, gid, mode, rdev, mtime, mtimeNsec, xattrs, symlink } = node
  const shared = node.children !== undefined || isRegular(node)
  const size = node.children === undefined ? node.size : v5DirectorySize(node)
  return {
    parentIno: plan.parents[number] as number,
    ino: inoOf(node, number),
    uid,
    gid,
    mode,
    size,
    blocks: v5InodeBlocks(size, xattrs),
    flags: node.hardLinked && isRegular(node) ? V5_INODE_FLAGS.HARDLINK : 0,
    nlink: shared ? (plan.nlinks[node.ino] as number) : 1,
    childCount: node.chunkCount,
    rdev,
    mtime,
    mtimeNsec,
    name: number === 0 ? V5_ROOT_NAME : nameBytes(plan.names[number] as string),
    xattrs,
    ...(symlink && { symlink }),
  }
}

function childrenOf(
  directory: NumberedDirectory | undefined,
): Pick<V5InodeValue, 'childIndex' | 'childCount'> | undefined {
  if (directory === undefined) return undefined
  return { childIndex: directory.firstChild + 1, childCount: directory.childCount }
}
