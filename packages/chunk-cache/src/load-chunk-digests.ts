// SPDX-License-Identifier: Apache-2.0
/** Digests of a blob's chunks from its own `blob.digest` section, for caches that validate without a chunk table. */
import { readFile } from 'node:fs/promises'
import type { ByteRange } from '@nydus/base/binary'
import { equalBytes } from '@nydus/base/binary'
import { digestBytes } from '@nydus/base/digest'
import { DigestError, FormatError } from '@nydus/base/error'
import { BLOB_FEATURES, type BlobInfo, blobTailSize, locateBlobSections } from '@nydus/rafs-format'
import type { ExpectedDigest } from './decode-chunk.ts'
import { hasCode, putFile } from './file-io.ts'

/** Where to look. */
export interface ChunkDigestPlaces {
  readonly blob: BlobInfo
  /** `<blob id>.blob.digest` in the cache directory. */
  readonly path: string
  /** `<blob id>.blob.toc` in the cache directory, which is written as the original does. */
  readonly tocPath: string
  blobSize(): Promise<number>
  fetch(range: ByteRange): Promise<Uint8Array>
}

const DIGEST_BYTES = 32

/**
 * Loads the digests, from the cache directory if they are there. A blob without the section gives none.
 * @throws {DigestError} ERR_DIGEST_MISMATCH when the blob's ToC or its digests are not what they should be.
 */
export async function loadChunkDigests(places: ChunkDigestPlaces): Promise<ExpectedDigest> {
  const { blob, path } = places
  if ((blob.features & BLOB_FEATURES.INLINED_CHUNK_DIGEST) === 0 || blob.chunkCount === 0)
    return () => undefined
  const size = blob.chunkCount * DIGEST_BYTES
  const known = await readFile(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  const digests = known?.length === size ? known : await fetchDigests(places, size)
  if (digests !== known) await putFile(path, digests)
  return (index) => digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES)
}

async function fetchDigests(
  { blob, tocPath, blobSize, fetch }: ChunkDigestPlaces,
  size: number,
): Promise<Uint8Array> {
  const total = await blobSize()
  const tailSize = blob.tocSize > 0 ? Math.min(blob.tocSize, total) : blobTailSize(total)
  const tail = await fetch({ offset: total - tailSize, length: tailSize })
  const tocKnown = blob.tocSize > 0 && blob.tocDigest.some((byte) => byte !== 0)
  if (tocKnown) checkDigest(blob, 'ToC', tail, blob.tocDigest)
  const section = locateBlobSections(tail, total).find('blob.digest')
  if (section === undefined || section.compressor !== 'none' || section.compressedSize !== size) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob ${blob.blobId}: no digests of ${blob.chunkCount} chunks in its ToC`,
      {
        details: { blobId: blob.blobId, found: section?.compressedSize, expected: size },
      },
    )
  }
  const digests = await fetch({ offset: section.compressedOffset, length: size })
  checkDigest(blob, 'chunk digests', digests, section.digest)
  await putFile(tocPath, tail)
  return digests
}

function checkDigest(blob: BlobInfo, what: string, bytes: Uint8Array, expected: Uint8Array): void {
  if (equalBytes(digestBytes('sha256', bytes), expected)) return
  throw new DigestError(
    'ERR_DIGEST_MISMATCH',
    `blob ${blob.blobId}: its ${what} does not have the expected digest`,
    {
      details: { blobId: blob.blobId, what },
    },
  )
}
