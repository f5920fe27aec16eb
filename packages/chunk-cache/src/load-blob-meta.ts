// SPDX-License-Identifier: Apache-2.0
/**
 * Gets the blob meta of a blob: from bytes that the caller has, else from `<blob id>.blob.meta`, else from the blob.
 * Whatever its origin, the file is left in the cache directory with the bytes that the original writes there.
 */
import { readFile, stat } from 'node:fs/promises'
import { alignUp } from '@nydus/base/binary'
import { decompressExact } from '@nydus/base/compress'
import { FormatError, isNydusError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  type BlobMetaHeader,
  decodeBlobMetaHeader,
  formatBlobMetaFile,
  openBlobMeta,
  parseBlobMetaFile,
} from '@nydus/rafs-format'
import { cacheFailure } from './cache-error.ts'
import { hasCode, putFile } from './file-io.ts'

/** Where to look. */
export interface BlobMetaPlaces {
  readonly blob: BlobInfo
  /** The cache directory's file. */
  readonly path: string
  /** Bytes of such a file, as bootstrap layers ship them. */
  readonly given?: Uint8Array | undefined
  /** Reads from the blob itself. */
  fetch(offset: number, length: number): Promise<Uint8Array>
}

/** Bytes of records and batch contexts a chunk can account for; a table that claims more is not believed. */
const MAX_META_BYTES_PER_CHUNK = 64
/** And never more than this, whatever the number of chunks: 4 TiB in chunks of 1 MiB need a quarter of it. */
const MAX_META_BYTES = 512 << 20
/** Features that decide how the array is read. */
const SHAPE_FEATURES =
  BLOB_FEATURES.CHUNK_INFO_V2 | BLOB_FEATURES.ZRAN | BLOB_FEATURES.BATCH | BLOB_FEATURES.ENCRYPTED

/**
 * A blob without chunks has none, and no file.
 * @throws {FormatError} when neither the files nor the blob hold a blob meta that fits the blob's entry in the
 *   bootstrap; ERR_FORMAT_UNSUPPORTED_FEATURE when the meta would have to be read from an encrypted or separate blob.
 */
export async function loadBlobMeta(places: BlobMetaPlaces): Promise<BlobMeta> {
  const { blob, path, given } = places
  if (blob.chunkCount === 0) return openBlobMeta(new Uint8Array(), { features: 0, chunkCount: 0 })
  if (given !== undefined) {
    const meta = acceptable(given, blob)
    if (meta !== undefined) {
      if ((await readMetaFile(path, blob)) === undefined) await putFile(path, given)
      return meta
    }
  }
  const stored = await readMetaFile(path, blob)
  if (stored !== undefined) return stored
  const { array, header } = await fetchMeta(places)
  await putFile(path, formatBlobMetaFile(array, header))
  return openBlobMeta(array, header)
}

async function readMetaFile(path: string, blob: BlobInfo): Promise<BlobMeta | undefined> {
  try {
    const { size } = await stat(path)
    if (size !== alignUp(blob.metaUncompressedSize, 4096) + BLOB_META_HEADER_BYTES) return undefined
    return acceptable(await readFile(path), blob)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw cacheFailure('read', path, error)
  }
}

/** The meta of a file's bytes, or undefined when they do not belong to `blob`: then the next place is asked. */
function acceptable(bytes: Uint8Array, blob: BlobInfo): BlobMeta | undefined {
  try {
    const { header, meta } = parseBlobMetaFile(bytes)
    checkHeader(header, blob)
    return meta
  } catch (error) {
    if (isNydusError(error)) return undefined
    throw error
  }
}

async function fetchMeta(places: BlobMetaPlaces): Promise<{ array: Uint8Array; header: BlobMetaHeader }> {
  const { blob } = places
  checkFetchable(blob)
  const bytes = await places.fetch(blob.metaOffset, blob.metaCompressedSize + BLOB_META_HEADER_BYTES)
  const header = decodeBlobMetaHeader(bytes, blob.metaCompressedSize)
  checkHeader(header, blob)
  const array = decompressExact(
    blob.metaCompressor,
    bytes.subarray(0, blob.metaCompressedSize),
    blob.metaUncompressedSize,
  )
  return { array, header }
}

function checkFetchable(blob: BlobInfo): void {
  const elsewhere = (blob.features & BLOB_FEATURES.SEPARATE) !== 0
  if (elsewhere || (blob.features & BLOB_FEATURES.ENCRYPTED) !== 0) {
    const kind = elsewhere ? 'in a separate blob' : 'encrypted'
    throw new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', `blob ${blob.blobId}: its blob meta is ${kind}`, {
      details: { blobId: blob.blobId, features: blob.features },
      hint: 'reading such blobs is not supported yet',
    })
  }
  const limit = Math.min(blob.chunkCount * MAX_META_BYTES_PER_CHUNK, MAX_META_BYTES)
  if (blob.metaUncompressedSize > limit || blob.metaCompressedSize > blob.metaUncompressedSize) {
    throw new FormatError(
      'ERR_FORMAT_OUT_OF_RANGE',
      `blob ${blob.blobId}: blob meta of ${blob.metaCompressedSize} → ${blob.metaUncompressedSize} bytes for ${blob.chunkCount} chunks`,
      { details: { blobId: blob.blobId, limit } },
    )
  }
}

function checkHeader(header: BlobMetaHeader, blob: BlobInfo): void {
  const partial = (blob.features & BLOB_FEATURES.IS_CHUNKDICT_GENERATED) !== 0
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['chunk count', header.chunkCount, partial ? header.chunkCount : blob.chunkCount],
    ['compressor', header.compressor, blob.metaCompressor],
    ['offset', header.metaOffset, blob.metaOffset],
    ['stored size', header.metaCompressedSize, blob.metaCompressedSize],
    ['size', header.metaUncompressedSize, blob.metaUncompressedSize],
    ['features', header.features & SHAPE_FEATURES, blob.features & SHAPE_FEATURES],
  ]
  for (const [what, found, expected] of pairs) {
    if (found === expected) continue
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob ${blob.blobId}: blob meta has ${what} ${found}, the bootstrap says ${expected}`,
      {
        details: { blobId: blob.blobId, what, found, expected },
      },
    )
  }
}
