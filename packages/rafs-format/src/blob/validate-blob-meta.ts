// SPDX-License-Identifier: Apache-2.0
/** Check of a blob's chunk array against the blob's entry in the bootstrap: everything that can be told without its data. */
import { alignUp } from '@nydus/base/binary'
import { type Finding, FindingList } from '../finding.ts'
import { BLOB_FEATURES } from '../flags.ts'
import type { BlobInfo } from '../v6/blob-table.ts'
import type { BlobMeta } from './blob-meta.ts'
import { blobDataSize } from './blob-places.ts'
import type { ChunkMeta } from './chunk-meta.ts'
import { isLegacyStargz } from './legacy-stargz.ts'

const MAX_FINDINGS = 100
const PAGE_BYTES = 4096

/**
 * Checks every record and its context. Never throws for bad content; the time is bounded by the number of records.
 * @returns at most 100 findings, none for a sound chunk array.
 */
export function validateBlobMeta(meta: BlobMeta, blob: BlobInfo): readonly Finding[] {
  const findings = new FindingList(MAX_FINDINGS)
  const partial = (blob.features & BLOB_FEATURES.IS_CHUNKDICT_GENERATED) !== 0
  if (!partial) findings.equal('blob meta', 'number of chunks', meta.chunkCount, blob.chunkCount)
  let end = 0
  for (let i = 0; i < meta.chunkCount && !findings.full; i++) {
    findings.guard(`chunk ${i}`, () => {
      const chunk = meta.chunk(i)
      checkPlaces(chunk, end, blob, `chunk ${i}`, findings)
      end = alignUp(chunk.uncompressedOffset + chunk.uncompressedSize, PAGE_BYTES)
      checkSlice(meta, chunk, `chunk ${i}`, findings)
    })
  }
  return findings.all
}

function checkPlaces(
  chunk: ChunkMeta,
  previousEnd: number,
  blob: BlobInfo,
  place: string,
  findings: FindingList,
): void {
  const { uncompressedOffset, uncompressedSize, compressedOffset, compressedSize } = chunk
  const end = uncompressedOffset + uncompressedSize
  const compressedEnd = compressedOffset + compressedSize
  const inContext = chunk.batch !== undefined || chunk.zran !== undefined
  findings.equal(place, 'uncompressed offset', uncompressedOffset, previousEnd)
  findings.expect(
    end <= alignUp(blob.uncompressedSize, PAGE_BYTES),
    place,
    `it ends at 0x${end.toString(16)}, its blob at 0x${blob.uncompressedSize.toString(16)}`,
  )
  findings.expect(
    isLegacyStargz(blob) || compressedEnd <= blobDataSize(blob),
    place,
    `it is stored up to 0x${compressedEnd.toString(16)}, the data of its blob ends at 0x${blobDataSize(blob).toString(16)}`,
  )
  findings.expect(inContext || compressedSize > 0, place, 'nothing is stored')
  if (!chunk.compressed && !chunk.encrypted && !inContext)
    findings.equal(place, 'size as stored', compressedSize, uncompressedSize)
}

/** The slice of a chunk must lie in the output of its context. */
function checkSlice(meta: BlobMeta, chunk: ChunkMeta, place: string, findings: FindingList): void {
  const slice = chunk.batch ?? chunk.zran
  if (slice === undefined) return
  const end = slice.offset + chunk.uncompressedSize
  const size = chunk.batch
    ? meta.batchContext(slice.context).uncompressedSize
    : meta.zranContext(slice.context).outSize
  findings.expect(
    end <= size,
    place,
    `it ends at ${end} in context ${slice.context}, whose output has ${size} bytes`,
  )
  if (chunk.zran) meta.zranDictionary(meta.zranContext(slice.context))
}
