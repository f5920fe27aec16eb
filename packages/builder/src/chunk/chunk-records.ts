// SPDX-License-Identifier: Apache-2.0
/** Which chunk records the chunk table of a bootstrap holds, and in which order. */
import { compareBytes } from '@nydus/base/binary'
import { ChunkRecord } from '@nydus/rafs-format/layout'
import type { LayoutPlan } from '../bootstrap/plan-layout.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'

/**
 * The records of all files in `plan`: sorted by digest and blob index, one for each such pair, the one that is met
 * last in the order of entry numbers.
 * @returns indexes into `chunks`.
 */
export function selectChunkRecords(plan: LayoutPlan, chunks: ChunkStore): Uint32Array {
  const records = recordsInOrder(plan)
  const keys = new Float64Array(records.length)
  records.forEach((record, i) => {
    keys[i] = digestKey(chunks.bytes(record))
  })
  const order = new Uint32Array(records.length).map((_, i) => i)
  order.sort(
    (a, b) =>
      (keys[a] as number) - (keys[b] as number) ||
      compareRecords(chunks, records[a] as number, records[b] as number) ||
      a - b,
  )
  const sorted = order.map((position) => records[position] as number)
  return sorted.filter((record, i) => {
    const next = sorted[i + 1]
    return next === undefined || compareRecords(chunks, record, next) !== 0
  })
}

function recordsInOrder(plan: LayoutPlan): Uint32Array {
  let count = 0
  for (const node of plan.nodes) count += node.chunkCount
  const records = new Uint32Array(count)
  let at = 0
  for (const { chunkStart, chunkCount } of plan.nodes) {
    for (let i = 0; i < chunkCount; i++) records[at++] = chunkStart + i
  }
  return records
}

/** The first six bytes of the digest as a number: decides nearly all comparisons. */
function digestKey(record: Uint8Array): number {
  let key = 0
  for (let i = 0; i < 6; i++) key = key * 256 + (record[ChunkRecord.offsets.digest + i] as number)
  return key
}

function compareRecords(chunks: ChunkStore, a: number, b: number): number {
  const left = chunks.get(a)
  const right = chunks.get(b)
  return compareBytes(left.digest, right.digest) || left.blobIndex - right.blobIndex
}
