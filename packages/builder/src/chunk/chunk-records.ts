// SPDX-License-Identifier: Apache-2.0
/** Which chunk records the chunk table of a bootstrap holds, and in which order. */
import { compareBytes } from '@nydus/base/binary'
import type { LayoutPlan } from '../bootstrap/plan-layout.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'

/** Which half of a number of 64 bits comes first in memory. */
const [LOW, HIGH] = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? [0, 1] : [1, 0]

/**
 * The records of all files in `plan`: sorted by digest and blob index, one for each such pair, the one that is met
 * last in the order of entry numbers.
 * @returns indexes into `chunks`.
 */
export function selectChunkRecords(plan: LayoutPlan, chunks: ChunkStore): Uint32Array {
  const records = recordsInOrder(plan)
  const keys = sortedKeys(records, chunks)
  const selected = new Uint32Array(records.length)
  let count = 0
  for (let start = 0; start < records.length; ) {
    const end = endOfRun(keys, start)
    const run = end === start + 1 ? undefined : recordsOfRun(keys, start, end, records, chunks)
    if (run === undefined) selected[count++] = records[keys[2 * start + LOW] as number] as number
    for (const [i, record] of run?.entries() ?? []) {
      const next = run?.[i + 1]
      if (next === undefined || compareRecords(chunks, record, next) !== 0) selected[count++] = record
    }
    start = end
  }
  return selected.subarray(0, count)
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

/** Sorted numbers of 64 bits, as pairs: the first four bytes of a digest, then its position. No call for each comparison. */
function sortedKeys(records: Uint32Array, chunks: ChunkStore): Uint32Array {
  const keys = new BigUint64Array(records.length)
  const halves = new Uint32Array(keys.buffer)
  for (let i = 0; i < records.length; i++) {
    halves[2 * i + HIGH] = chunks.digestPrefix(records[i] as number)
    halves[2 * i + LOW] = i
  }
  keys.sort()
  return halves
}

function endOfRun(keys: Uint32Array, start: number): number {
  const prefix = keys[2 * start + HIGH]
  let end = start + 1
  while (2 * end < keys.length && keys[2 * end + HIGH] === prefix) end += 1
  return end
}

/** The records of keys with equal prefixes, sorted by what the keys do not tell. */
function recordsOfRun(
  keys: Uint32Array,
  start: number,
  end: number,
  records: Uint32Array,
  chunks: ChunkStore,
): number[] {
  const run: number[] = []
  for (let at = start; at < end; at++) run.push(records[keys[2 * at + LOW] as number] as number)
  // Sorting is stable: equal records stay in the order of their positions.
  return run.sort((a, b) => compareRecords(chunks, a, b))
}

function compareRecords(chunks: ChunkStore, a: number, b: number): number {
  return compareBytes(chunks.digest(a), chunks.digest(b)) || chunks.blobIndex(a) - chunks.blobIndex(b)
}
