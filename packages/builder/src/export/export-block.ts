// SPDX-License-Identifier: Apache-2.0
/** A RAFS v6 image as one disk image that the kernel's EROFS mounts, with a dm-verity tree behind it if wanted. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import type { ChunkReader } from '../chunk-reader.ts'
import { decodedPieces } from './decoded-blob.ts'
import { type DiskBlob, type DiskLayout, planDisk } from './disk-layout.ts'
import type { DiskSink } from './disk-sink.ts'
import { DiskWriter } from './disk-writer.ts'
import { HASH_PAGE_BYTES, VerityBuilder, type VerityFill, type VerityTree } from './verity-tree.ts'

/** What is exported. */
export interface ExportBlockInput {
  readonly bootstrap: Uint8Array | Bootstrap
  /** Reads the blobs of that bootstrap. */
  readonly reader: ChunkReader
  readonly sink: DiskSink
  /** Append a dm-verity tree, false by default. */
  readonly verity?: boolean
  /** How pages of the tree are filled up: 'zeros', the default, is what veritysetup verifies. */
  readonly verityFill?: VerityFill
  readonly signal?: AbortSignal
}

/** A finished disk image. */
export interface BlockExport {
  /** Bytes of a block: 4096, tarfs 512. */
  readonly blockSize: number
  /** Blocks of data, the tree not counted. */
  readonly blocks: number
  /** Bytes of data, the tree not counted. */
  readonly size: number
  readonly verity?: VerityTree
}

/**
 * Writes the disk image: the bootstrap, then every blob decoded at the place that the bootstrap's device table gives it.
 * Memory is bounded by some chunks and one page for each level of the tree.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_VERSION for RAFS v5, other codes for a damaged bootstrap or blob meta.
 * @throws {DigestError} for damaged chunks, and what `reader` and `sink` throw. What was written stays: discard it.
 */
export async function exportBlock(input: ExportBlockInput): Promise<BlockExport> {
  const { sink, reader, signal } = input
  const bootstrap = input.bootstrap instanceof Uint8Array ? openBootstrap(input.bootstrap) : input.bootstrap
  const layout = planDisk(bootstrap)
  const verity = input.verity ? openVerity(layout, input.verityFill ?? 'zeros', sink) : undefined
  await sink.setSize(layout.size)
  const writer = new DiskWriter(sink, layout.blockSize, verity)
  await writer.write(layout.bootstrap)
  for (const blob of layout.blobs) {
    await writer.skipTo(blob.offset)
    for await (const { offset, bytes } of decodedPieces(bootstrap, blob.blobIndex, reader, signal)) {
      signal?.throwIfAborted()
      await place(writer, blob, offset, bytes)
    }
    await writer.skipTo(blob.offset + blob.size)
  }
  await writer.finish()
  return {
    blockSize: layout.blockSize,
    blocks: layout.size / layout.blockSize,
    size: layout.size,
    ...(verity && { verity: await verity.finish() }),
  }
}

/**
 * The line that nydus-image prints for a disk with a tree, of options of `veritysetup`; the snapshotter reads it.
 * @throws {RangeError} for a disk without a tree.
 */
export function veritySetupOptions({ verity, blockSize }: BlockExport): string {
  if (verity === undefined) throw new RangeError('the disk has no verity tree')
  return [
    'dm-verity options: --no-superblock --format=1 -s ""',
    `--hash=sha256 --data-block-size=${blockSize} --hash-block-size=${HASH_PAGE_BYTES}`,
    `--data-blocks ${verity.dataBlocks} --hash-offset ${verity.hashOffset} ${verity.rootDigest}`,
  ].join(' ')
}

function openVerity({ size, blockSize }: DiskLayout, fill: VerityFill, sink: DiskSink): VerityBuilder {
  const hashOffset = alignUp(size, HASH_PAGE_BYTES)
  return new VerityBuilder(size / blockSize, hashOffset, fill, (page, at) => sink.writeAt(page, at))
}

async function place(writer: DiskWriter, blob: DiskBlob, offset: number, bytes: Uint8Array): Promise<void> {
  const at = blob.offset + offset
  if (at < writer.position || offset + bytes.length > blob.size) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob ${blob.blobIndex}: a chunk at 0x${offset.toString(16)} of ${bytes.length} bytes overlaps another or the end`,
      { details: { blobIndex: blob.blobIndex, offset, length: bytes.length, blobSize: blob.size } },
    )
  }
  await writer.skipTo(at)
  await writer.write(bytes)
}
