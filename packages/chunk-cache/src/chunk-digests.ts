// SPDX-License-Identifier: Apache-2.0
/** Digests of chunks by blob and index, from the chunk table of a v6 bootstrap: 4 bytes of memory a chunk. */
import type { Bootstrap } from '@nydus/rafs-format'
import { ChunkRecord } from '@nydus/rafs-format/layout'
import type { ExpectedDigest } from './decode-chunk.ts'

/**
 * Gives each blob of `bootstrap` its digests, for `BlobCacheOptions.chunkDigest`. The table is read once, when a chunk
 * is verified for the first time. Digests are views into the bootstrap. RAFS v5 has no such table: there, and in tarfs
 * images, `BlobCacheOptions.records` give what is known, and this gives nothing.
 */
export function chunkDigests(bootstrap: Bootstrap): (blobIndex: number) => ExpectedDigest {
  let positions: readonly Uint32Array[] | undefined
  return (blobIndex) => (chunkIndex) => {
    if (bootstrap.fsVersion === 5) return undefined
    positions ??= indexTable(bootstrap)
    const position = positions[blobIndex]?.[chunkIndex]
    if (position === undefined || position === 0) return undefined
    const { digest } = bootstrap.chunkTable().at(position - 1)
    return digest.some((byte) => byte !== 0) ? digest : undefined
  }
}

/** Position + 1 of each chunk's record; 0 for chunks without one. */
function indexTable(bootstrap: Extract<Bootstrap, { fsVersion: 6 }>): readonly Uint32Array[] {
  const { bytes, blobs, superBlock } = bootstrap
  const positions = blobs.map((blob) => new Uint32Array(blob.chunkCount))
  const count = bootstrap.chunkTable().length
  const view = new DataView(
    bytes.buffer,
    bytes.byteOffset + superBlock.chunkTableOffset,
    count * ChunkRecord.size,
  )
  const { blobIndex, chunkIndex } = ChunkRecord.offsets
  for (let position = 0; position < count; position++) {
    const at = position * ChunkRecord.size
    const ofBlob = positions[view.getUint32(at + blobIndex, true)]
    const index = view.getUint32(at + chunkIndex, true)
    if (ofBlob !== undefined && index < ofBlob.length) ofBlob[index] = position + 1
  }
  return positions
}
