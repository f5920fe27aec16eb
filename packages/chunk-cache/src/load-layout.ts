// SPDX-License-Identifier: Apache-2.0
/** Finds out where the chunks of a blob lie: from its blob meta, or from the records of the bootstrap. */
import { FormatError } from '@nydus/base/error'
import { type BlobInfo, type ChunkInfo, hasBlobMeta, isLegacyStargz } from '@nydus/rafs-format'
import { checkCoverage, checkRecords } from './check-blob.ts'
import { type ChunkLayout, layoutOfRecords } from './chunk-layout.ts'
import type { ExpectedDigest } from './decode-chunk.ts'
import { type BlobMetaPlaces, loadBlobMeta } from './load-blob-meta.ts'
import { type ChunkBounds, shareChunkBounds } from './shared-view.ts'
import { stargzLayout } from './stargz-layout.ts'

/** What a layout is made from. */
export interface LayoutPlaces extends BlobMetaPlaces {
  /** Chunk records of the bootstrap, each chunk once, ascending; asked for when the blob has no blob meta. */
  readonly records: (() => Iterable<ChunkInfo>) | undefined
  /** Bytes of the stored blob; asked for when stored sizes are not known otherwise. */
  blobSize(): Promise<number>
}

/** A blob's layout, checked. */
export interface LoadedLayout {
  readonly layout: ChunkLayout
  readonly bounds: ChunkBounds
  /** Bytes; also where the bootstrap does not say. */
  readonly uncompressedSize: number
  /** Of a layout made from records. */
  readonly recordDigest: ExpectedDigest | undefined
}

/** @throws {FormatError} when blob meta or records do not fit the blob. */
export async function loadLayout(places: LayoutPlaces): Promise<LoadedLayout> {
  const { blob } = places
  return hasBlobMeta(blob) ? fromMeta(places) : fromRecords(places, blob)
}

async function fromMeta(places: LayoutPlaces): Promise<LoadedLayout> {
  const { blob } = places
  const layout = await capped(places, await loadBlobMeta(places))
  const bounds = shareChunkBounds(layout)
  checkCoverage(blob, bounds)
  return { layout, bounds, uncompressedSize: blob.uncompressedSize, recordDigest: undefined }
}

async function fromRecords(places: LayoutPlaces, blob: BlobInfo): Promise<LoadedLayout> {
  if (places.records === undefined && blob.chunkCount > 0) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob ${blob.blobId} has no blob meta, and no chunk records`,
      {
        details: { blobId: blob.blobId, chunkCount: blob.chunkCount },
      },
    )
  }
  const records = layoutOfRecords(places.records?.() ?? [], blob.chunkCount, blob.blobId)
  // Images from before v1.1 do not know the size.
  const uncompressedSize = blob.uncompressedSize === 0 ? records.uncompressedEnd : blob.uncompressedSize
  const layout = await capped(places, records)
  const bounds = shareChunkBounds(layout)
  checkRecords({ ...blob, uncompressedSize }, bounds)
  return { layout, bounds, uncompressedSize, recordDigest: records.digest }
}

async function capped({ blob, blobSize }: LayoutPlaces, layout: ChunkLayout): Promise<ChunkLayout> {
  if (!isLegacyStargz(blob)) return layout
  return stargzLayout(layout, await blobSize(), blob.blobId)
}
