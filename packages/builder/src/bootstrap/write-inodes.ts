// SPDX-License-Identifier: Apache-2.0
/**
 * The inode area of a v6 bootstrap: inodes, xattrs, chunk indexes, dirents and symlink targets at their planned places. There
 * may be a million of each, so they are written field by field, without an object in between, and part by part.
 */
import { alignUp } from '@nydus/base/binary'
import { type DataLayout, encodeXattrs, xattrCountField } from '@nydus/rafs-format'
import {
  CHUNK_FORMAT_BITS_MASK,
  CHUNK_FORMAT_INDEXES,
  ChunkIndexEntry,
  EROFS_INODE_EXTENDED,
  EROFS_LAYOUT,
  InodeExtended,
} from '@nydus/rafs-format/layout'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { isRegular, isSymlink, type Node } from '../tree/node.ts'
import { inodeSize, type LayoutPlan, type PlannedDirectory } from './plan-layout.ts'
import { encodeDirectory } from './write-dirents.ts'

/** What `writeInodes` needs besides the buffer. */
export interface InodeAreaInput {
  readonly plan: LayoutPlan
  readonly chunks: ChunkStore
  /** Bytes from the start of the bootstrap that nids count from. */
  readonly metaOffset: number
  readonly blockSize: number
  readonly chunkSize: number
}

const AT = InodeExtended.offsets
const INDEX_AT = ChunkIndexEntry.offsets
const FORMATS: Readonly<Record<DataLayout, number>> = {
  'flat-plain': EROFS_INODE_EXTENDED | (EROFS_LAYOUT.FLAT_PLAIN << 1),
  'flat-inline': EROFS_INODE_EXTENDED | (EROFS_LAYOUT.FLAT_INLINE << 1),
  'chunk-based': EROFS_INODE_EXTENDED | (EROFS_LAYOUT.CHUNK_BASED << 1),
}
const TWO_32 = 0x1_0000_0000
const NO_DATA = new Uint8Array(0)

/** Bytes of a bootstrap from `start` on, zero where inodes go. */
export interface BootstrapPart {
  readonly bytes: Uint8Array
  readonly start: number
}

/**
 * Writes what lies in `part`, also where it begins before or ends behind it. The chunks of files and the lengths of names
 * must have been checked.
 */
export function writeInodes(part: BootstrapPart, input: InodeAreaInput): void {
  const writer = new PartWriter(part, input)
  const { plan } = input
  for (const directory of plan.directories) writer.directory(directory)
  for (let number = 0; number < plan.nodes.length; number++) {
    if (writer.isBefore(number)) continue
    const node = plan.nodes[number] as Node
    if (node.children !== undefined || node.ino !== number + 1) continue
    if (isSymlink(node)) writer.tailed(node, number, node.size, () => node.symlink ?? NO_DATA)
    else if (isRegular(node)) writer.regular(node, number)
    else writer.special(node, number)
  }
}

/** Leaves out what does not lie in a part, and cuts what does so only partly. */
class PartWriter {
  readonly #part: BootstrapPart
  readonly #end: number
  readonly #input: InodeAreaInput
  readonly #whole: InodeWriter

  constructor(part: BootstrapPart, input: InodeAreaInput) {
    this.#part = part
    this.#end = part.start + part.bytes.length
    this.#input = input
    this.#whole = new InodeWriter(part, input)
  }

  /** Tells whether the part ends before the inode and, in case it is no directory, before all of its data. */
  isBefore(number: number): boolean {
    return this.#inodeAt(number) >= this.#end
  }

  directory(directory: PlannedDirectory): void {
    const { plan, blockSize } = this.#input
    this.tailed(directory.node, directory.number, directory.size, () =>
      encodeDirectory(directory, plan, blockSize),
    )
  }

  /** A directory or symlink: whole blocks of data at their own place, the rest behind the inode or there too. */
  tailed(node: Node, number: number, size: number, dataOf: () => Uint8Array): void {
    const { plan, metaOffset, blockSize } = this.#input
    const at = this.#inodeAt(number)
    const tail = plan.inline[number] === 1 ? size % blockSize : 0
    const inodeLength = inodeSize(node) + tail
    const dataAt = metaOffset + (plan.dataOffsets[number] as number)
    if (!this.#touches(at, inodeLength) && !this.#touches(dataAt, size - tail)) return
    const data = dataOf()
    this.#write(at, inodeLength, (writer) => writer.tailed(node, number, data))
    this.#put(data.subarray(0, size - tail), dataAt)
  }

  regular(node: Node, number: number): void {
    const length = alignUp(inodeSize(node), 8) + ChunkIndexEntry.size * node.chunkCount
    this.#write(this.#inodeAt(number), length, (writer) => writer.regular(node, number))
  }

  special(node: Node, number: number): void {
    this.#write(this.#inodeAt(number), inodeSize(node), (writer) => {
      writer.inode(node, number, 0, 'flat-plain', node.rdev)
    })
  }

  #inodeAt(number: number): number {
    return this.#input.metaOffset + (this.#input.plan.inodeOffsets[number] as number)
  }

  #touches(at: number, length: number): boolean {
    return length > 0 && at < this.#end && at + length > this.#part.start
  }

  #write(at: number, length: number, write: (writer: InodeWriter) => void): void {
    if (!this.#touches(at, length)) return
    if (at >= this.#part.start && at + length <= this.#end) {
      write(this.#whole)
      return
    }
    const cut = { bytes: new Uint8Array(length), start: at }
    write(new InodeWriter(cut, this.#input))
    this.#put(cut.bytes, at)
  }

  /** Copies what lies in the part of the bytes that belong at `at`. */
  #put(bytes: Uint8Array, at: number): void {
    if (!this.#touches(at, bytes.length)) return
    const { start, bytes: target } = this.#part
    target.set(bytes.subarray(Math.max(0, start - at), this.#end - at), Math.max(0, at - start))
  }
}

/** Writes inodes that lie in its part as a whole. */
class InodeWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #input: InodeAreaInput
  /** What to add to offsets that count from the meta base. */
  readonly #base: number

  constructor({ bytes, start }: BootstrapPart, input: InodeAreaInput) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#input = input
    this.#base = input.metaOffset - start
  }

  inode(node: Node, number: number, size: number, layout: DataLayout, union: number): void {
    const view = this.#view
    const at = this.#inodeAt(number)
    const xattrs = node.xattrs.length === 0 ? NO_DATA : encodeXattrs(node.xattrs)
    view.setUint16(at + AT.format, FORMATS[layout], true)
    view.setUint16(at + AT.xattrCount, xattrCountField(xattrs.length), true)
    view.setUint16(at + AT.mode, node.mode, true)
    this.#set64(at + AT.size, size)
    view.setUint32(at + AT.union, union, true)
    view.setUint32(at + AT.ino, node.ino, true)
    view.setUint32(at + AT.uid, node.uid, true)
    view.setUint32(at + AT.gid, node.gid, true)
    this.#set64(at + AT.mtime, node.mtime)
    view.setUint32(at + AT.mtimeNsec, node.mtimeNsec, true)
    view.setUint32(at + AT.nlink, this.#input.plan.nlinks[node.ino] as number, true)
    if (xattrs.length > 0) this.#bytes.set(xattrs, at + InodeExtended.size)
  }

  /** A directory or symlink, and the data behind its inode. */
  tailed(node: Node, number: number, data: Uint8Array): void {
    const { plan, metaOffset, blockSize } = this.#input
    const inline = plan.inline[number] === 1
    const union = Math.floor((metaOffset + (plan.dataOffsets[number] as number)) / blockSize)
    this.inode(node, number, data.length, inline ? 'flat-inline' : 'flat-plain', union)
    const tail = inline ? data.length % blockSize : 0
    if (tail > 0) this.#bytes.set(data.subarray(data.length - tail), this.#inodeAt(number) + inodeSize(node))
  }

  /** A file and its chunk index. */
  regular(node: Node, number: number): void {
    const input = this.#input
    const { chunks, blockSize } = input
    const bits = Math.log2(kernelChunkSize(input, node) / blockSize)
    this.inode(node, number, node.size, 'chunk-based', CHUNK_FORMAT_INDEXES | (bits & CHUNK_FORMAT_BITS_MASK))
    let at = this.#inodeAt(number) + alignUp(inodeSize(node), 8)
    for (let i = 0; i < node.chunkCount; i++) {
      const record = node.chunkStart + i
      const chunkIndex = chunks.chunkIndex(record)
      const device = chunks.blobIndex(record) + 1
      this.#view.setUint16(at + INDEX_AT.chunkIndexLow, chunkIndex & 0xffff, true)
      this.#view.setUint16(at + INDEX_AT.deviceAndChunkHigh, ((chunkIndex >>> 16) << 8) | device, true)
      this.#view.setUint32(at + INDEX_AT.blockAddr, chunks.uncompressedOffset(record) / blockSize, true)
      at += ChunkIndexEntry.size
    }
  }

  #inodeAt(number: number): number {
    return this.#base + (this.#input.plan.inodeOffsets[number] as number)
  }

  #set64(at: number, value: number): void {
    const high = Math.floor(value / TWO_32)
    this.#view.setUint32(at, value - high * TWO_32, true)
    this.#view.setInt32(at + 4, high, true)
  }
}

/**
 * Chunk size that the kernel sees: a file whose chunks follow each other in one blob is one chunk to it, which lets it
 * map the file in one go. The chunk index keeps one entry for each real chunk.
 */
function kernelChunkSize(
  { chunks, chunkSize }: InodeAreaInput,
  { size, chunkStart, chunkCount }: Node,
): number {
  if (size <= chunkSize) return chunkSize
  const blobIndex = chunks.blobIndex(chunkStart)
  const start = chunks.uncompressedOffset(chunkStart)
  for (let i = 1; i < chunkCount; i++) {
    const expected = start + i * chunkSize
    if (chunks.blobIndex(chunkStart + i) !== blobIndex) return chunkSize
    if (chunks.uncompressedOffset(chunkStart + i) !== expected) return chunkSize
  }
  return 2 ** Math.ceil(Math.log2(size))
}
