// SPDX-License-Identifier: Apache-2.0
/** The inode area of a bootstrap: inodes, xattrs, chunk indexes, dirents and symlink targets at their planned places. */
import { alignUp } from '@nydus/base/binary'
import {
  type BlobInfo,
  type DataLayout,
  direntTypeOf,
  encodeChunkIndex,
  encodeDirents,
  encodeInode,
  encodeXattrs,
  xattrCountField,
} from '@nydus/rafs-format'
import { CHUNK_FORMAT_BITS_MASK, CHUNK_FORMAT_INDEXES, EROFS_SLOT_BYTES } from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'
import { nameBytes } from '../tree/byte-name.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { isRegular, isSymlink, type Node } from '../tree/node.ts'
import { inodeSize, type LayoutPlan, type PlannedDirectory } from './plan-layout.ts'

/** What `writeInodes` needs besides the buffer. */
export interface InodeAreaInput {
  readonly plan: LayoutPlan
  readonly chunks: ChunkStore
  /** Bytes from the start of the bootstrap that nids count from. */
  readonly metaOffset: number
  readonly blockSize: number
  readonly chunkSize: number
  readonly blobs: readonly BlobInfo[]
}

/** Size, union and data of one inode. */
interface InodeContent {
  readonly size: number
  readonly layout: DataLayout
  readonly union: number
}

/** @param bytes the whole bootstrap, zero where inodes go. */
export function writeInodes(bytes: Uint8Array, input: InodeAreaInput): void {
  const { plan } = input
  for (const directory of plan.directories) {
    const data = encodeDirents(direntsOf(directory, plan), input.blockSize)
    writeTailed(bytes, input, directory.node, directory.number, data)
  }
  plan.nodes.forEach((node, number) => {
    if (node.children !== undefined || node.ino !== number + 1) return
    if (isSymlink(node)) writeTailed(bytes, input, node, number, node.symlink ?? new Uint8Array(0))
    else if (isRegular(node)) writeRegular(bytes, input, node, number)
    else writeInode(bytes, input, node, number, { size: 0, layout: 'flat-plain', union: node.rdev })
  })
}

function writeInode(
  bytes: Uint8Array,
  input: InodeAreaInput,
  node: Node,
  number: number,
  content: InodeContent,
): void {
  const { plan, metaOffset } = input
  const at = metaOffset + (plan.inodeOffsets[number] as number)
  const xattrs = encodeXattrs(node.xattrs)
  const inode = encodeInode({
    ...content,
    ino: node.ino,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    mtime: node.mtime,
    mtimeNsec: node.mtimeNsec,
    nlink: plan.nlinks[node.ino] as number,
    xattrCount: xattrCountField(xattrs.length),
  })
  bytes.set(inode, at)
  bytes.set(xattrs, at + inode.length)
}

/** A directory or symlink: whole blocks of data at their own place, the rest behind the inode or there too. */
function writeTailed(
  bytes: Uint8Array,
  input: InodeAreaInput,
  node: Node,
  number: number,
  data: Uint8Array,
): void {
  const { plan, metaOffset, blockSize } = input
  const dataOffset = metaOffset + (plan.dataOffsets[number] as number)
  const inline = plan.inline[number] === true
  writeInode(bytes, input, node, number, {
    size: data.length,
    layout: inline ? 'flat-inline' : 'flat-plain',
    union: Math.floor(dataOffset / blockSize),
  })
  const tail = inline ? data.length % blockSize : 0
  bytes.set(data.subarray(0, data.length - tail), dataOffset)
  if (tail === 0) return
  bytes.set(
    data.subarray(data.length - tail),
    metaOffset + (plan.inodeOffsets[number] as number) + inodeSize(node),
  )
}

function writeRegular(bytes: Uint8Array, input: InodeAreaInput, node: Node, number: number): void {
  const { plan, metaOffset, blockSize } = input
  checkChunks(input, node, number)
  const bits = Math.log2(kernelChunkSize(input, node) / blockSize)
  const union = CHUNK_FORMAT_INDEXES | (bits & CHUNK_FORMAT_BITS_MASK)
  writeInode(bytes, input, node, number, { size: node.size, layout: 'chunk-based', union })
  const chunks = Array.from({ length: node.chunkCount }, (_, i) => input.chunks.get(node.chunkStart + i))
  const at = metaOffset + (plan.inodeOffsets[number] as number) + alignUp(inodeSize(node), 8)
  bytes.set(encodeChunkIndex(chunks, blockSize), at)
}

/**
 * Chunk size that the kernel sees: a file whose chunks follow each other in one blob is one chunk to it, which lets it
 * map the file in one go. The chunk index keeps one entry for each real chunk.
 */
function kernelChunkSize({ chunks, chunkSize }: InodeAreaInput, node: Node): number {
  if (node.size <= chunkSize) return chunkSize
  const first = chunks.get(node.chunkStart)
  for (let i = 1; i < node.chunkCount; i++) {
    const { blobIndex, uncompressedOffset } = chunks.get(node.chunkStart + i)
    const expected = first.uncompressedOffset + i * chunkSize
    if (blobIndex !== first.blobIndex || uncompressedOffset !== expected) return chunkSize
  }
  return 2 ** Math.ceil(Math.log2(node.size))
}

function checkChunks({ chunks, chunkSize, blobs, plan }: InodeAreaInput, node: Node, number: number): void {
  const expected = Math.ceil(node.size / chunkSize)
  const name = plan.names[number]
  if (node.chunkCount !== expected) {
    throw new BuildError(
      'ERR_BUILD_OPTION_CONFLICT',
      `file '${name}' of ${node.size} bytes has ${node.chunkCount} chunks, ${expected} expected`,
      { details: { name, size: node.size, chunkSize, expected, found: node.chunkCount } },
    )
  }
  for (let i = 0; i < node.chunkCount; i++) {
    const { blobIndex } = chunks.get(node.chunkStart + i)
    if (blobIndex < blobs.length) continue
    throw new BuildError(
      'ERR_BUILD_OPTION_CONFLICT',
      `file '${name}' has a chunk in blob ${blobIndex} of ${blobs.length}`,
      { details: { name, blobIndex, blobs: blobs.length } },
    )
  }
}

/** Entries of a directory with the dots, in bytewise order. */
function direntsOf(directory: PlannedDirectory, plan: LayoutPlan) {
  const { number, parent, firstChild, childCount } = directory
  const entries = [
    { name: '.', number },
    { name: '..', number: parent },
  ]
  for (let i = 0; i < childCount; i++)
    entries.push({ name: plan.names[firstChild + i] as string, number: firstChild + i })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.map((entry) => ({
    name: nameBytes(entry.name),
    nid: (plan.inodeOffsets[entry.number] as number) / EROFS_SLOT_BYTES,
    fileType: direntTypeOf((plan.nodes[entry.number] as Node).mode),
  }))
}
