// SPDX-License-Identifier: Apache-2.0
/** What tables say about stored bytes is checked before these are asked for. */
import { FormatError } from '@nydus/base/error'
import type { BlobInfo } from '@nydus/rafs-format'
import type { FetchUnit } from './plan-fetch.ts'

/** Stored bytes of the largest chunk or context, with what compression may add to bytes that do not compress. */
const MAX_UNIT_BYTES = (16 << 20) + (1 << 17)

/**
 * A unit must lie in its blob, and cannot be larger than the largest chunk.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE
 */
export function checkUnit(
  blob: Pick<BlobInfo, 'blobId' | 'compressedSize'>,
  { offset, length }: Pick<FetchUnit, 'offset' | 'length'>,
): void {
  const { blobId, compressedSize } = blob
  const isInside = compressedSize === 0 || offset + length <= compressedSize
  if (isInside && length > 0 && length <= MAX_UNIT_BYTES) return
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `blob ${blobId}: a chunk has ${length} stored bytes at 0x${offset.toString(16)}, the blob has ${compressedSize}`,
    { details: { blobId, offset, length, compressedSize } },
  )
}
