// SPDX-License-Identifier: Apache-2.0
/**
 * Gets the blob meta of a blob: from bytes that the caller has, else from `<blob id>.blob.meta`, else from the blob.
 * Whatever its origin, the file is left in the cache directory with the bytes that the original writes there.
 */
import { readFile, stat } from 'node:fs/promises'
import { alignUp, type ByteRange } from '@nydus/base/binary'
import { isNydusError } from '@nydus/base/error'
import {
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  formatBlobMetaFile,
  openBlobMeta,
  parseBlobMetaFile,
} from '@nydus/rafs-format'
import { cacheFailure } from './cache-error.ts'
import { checkMetaHeader, fetchBlobMeta } from './fetch-blob-meta.ts'
import { hasCode, putFile } from './file-io.ts'

/** Where to look. */
export interface BlobMetaPlaces {
  readonly blob: BlobInfo
  /** The cache directory's file. */
  readonly path: string
  /** Bytes of such a file, as bootstrap layers ship them. */
  readonly given?: Uint8Array | undefined
  /** Reads from the blob that holds it: the blob itself, or its separate meta blob. */
  fetch(range: ByteRange): Promise<Uint8Array>
}

/**
 * A blob without chunks has none, and no file.
 * @throws {FormatError} when neither the files nor the blob hold a blob meta that fits the blob's entry in the bootstrap.
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
  const { array, header } = await fetchBlobMeta(blob, places.fetch)
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
    checkMetaHeader(header, blob)
    return meta
  } catch (error) {
    if (isNydusError(error)) return undefined
    throw error
  }
}
