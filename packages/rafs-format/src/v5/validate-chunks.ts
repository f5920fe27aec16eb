// SPDX-License-Identifier: Apache-2.0
/** Checks of the chunk records of one v5 file against the blob table. */
import type { V5Bootstrap } from '../bootstrap.ts'
import type { ChunkInfo } from '../chunk.ts'
import type { FindingList } from '../finding.ts'

/** Adds findings about `chunks`, the records of the file at `place`. Where a chunk lies in its blob is checked by reading it. */
export function checkV5Chunks(
  bootstrap: V5Bootstrap,
  chunks: readonly ChunkInfo[],
  place: string,
  findings: FindingList,
): void {
  if (!bootstrap.hasBlobSizes) return
  for (const [i, { blobIndex, chunkIndex, compressedOffset, compressedSize }] of chunks.entries()) {
    const blob = bootstrap.blobs[blobIndex]
    if (blob === undefined) continue
    const counted = chunkIndex < blob.chunkCount
    findings.expect(
      counted,
      place,
      `chunk ${i} is number ${chunkIndex} of ${blob.chunkCount} of blob ${blobIndex}`,
    )
    const end = compressedOffset + compressedSize
    const stored = end <= blob.compressedSize
    // The original's tar builds on a parent write such chunks, and its check takes them.
    findings.expect(
      stored,
      place,
      `chunk ${i} ends at 0x${end.toString(16)} behind blob ${blobIndex}`,
      'warning',
    )
  }
}
