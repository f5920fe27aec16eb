// SPDX-License-Identifier: Apache-2.0
/** Which stored bytes to fetch for a set of missing chunks. Pure arithmetic over blob meta. */
import type { ByteRange } from '@nydus/base/binary'
import type { ChunkMeta } from '@nydus/rafs-format'
import type { ChunkLayout } from './chunk-layout.ts'

/** The smallest thing that decodes alone: a chunk, or all chunks of a batch or of a zran context. */
export interface FetchUnit {
  /** Chunk indexes, inclusive. */
  readonly first: number
  readonly last: number
  /** Stored bytes in the blob. */
  readonly offset: number
  readonly length: number
}

/** One ranged read and the units that are decoded from it; bytes between units are read and dropped. */
export interface FetchRun {
  readonly offset: number
  readonly length: number
  readonly units: readonly FetchUnit[]
}

/** The part of a layout that planning uses. */
export type UnitTable = Pick<ChunkLayout, 'chunkCount' | 'chunk' | 'batchContext' | 'zranContext'>

/** How far a fetch may go beyond what was asked for. */
export interface FetchPolicy {
  /** Stored bytes, counted from the first missing chunk, within which following chunks are fetched along. 0 turns it off. */
  readonly amplifyBytes: number
}

/** A run grows up to this many stored bytes even when amplification is smaller. */
const MIN_RUN_BYTES = 1 << 20
/** Amplified chunks may unpack to this many times `amplifyBytes`: highly compressible blobs must not flood the disk. */
const MAX_AMPLIFIED_RATIO = 16
/** Neighbours are joined over gaps of up to 1/128 of a run: reading 8 KiB for nothing is cheaper than another request. */
const GAP_SHIFT = 7

/**
 * Plans the reads for `wanted`.
 * @param wanted indexes of missing chunks, ascending.
 * @param isUnwanted true for chunks that amplification leaves out: ready, being fetched, or of no use.
 */
export function planFetch(
  table: UnitTable,
  wanted: readonly number[],
  isUnwanted: (index: number) => boolean,
  policy: FetchPolicy,
): readonly FetchRun[] {
  const units = unitsOf(table, wanted)
  const reachable = amplify(table, units, isUnwanted, policy)
  return coalesce(reachable, Math.max(policy.amplifyBytes, MIN_RUN_BYTES))
}

function unitsOf(table: UnitTable, wanted: readonly number[]): FetchUnit[] {
  const units: FetchUnit[] = []
  for (const index of wanted) {
    const previous = units.at(-1)
    if (previous === undefined || index > previous.last) units.push(unitAt(table, index))
  }
  return units
}

/** The unit that chunk `index` decodes from. */
export function unitAt(table: UnitTable, index: number): FetchUnit {
  const chunk = table.chunk(index)
  const place = storedPlace(table, chunk)
  let first = index
  let last = index
  if (chunk.batch === undefined && chunk.zran === undefined) return { first, last, ...place }
  while (first > 0 && shareContext(chunk, table.chunk(first - 1))) first--
  while (last + 1 < table.chunkCount && shareContext(chunk, table.chunk(last + 1))) last++
  return { first, last, ...place }
}

function shareContext(one: ChunkMeta, other: ChunkMeta): boolean {
  return one.batch?.context === other.batch?.context && one.zran?.context === other.zran?.context
}

/** The stored bytes that `chunk` is decoded from. */
export function storedPlace(
  table: Pick<UnitTable, 'batchContext' | 'zranContext'>,
  { batch, zran, compressedOffset, compressedSize }: ChunkMeta,
): ByteRange {
  if (zran !== undefined) {
    const { inOffset, inSize } = table.zranContext(zran.context)
    return { offset: inOffset, length: inSize }
  }
  const length = batch === undefined ? compressedSize : table.batchContext(batch.context).compressedSize
  return { offset: compressedOffset, length }
}

function amplify(
  table: UnitTable,
  units: FetchUnit[],
  isUnwanted: (index: number) => boolean,
  policy: FetchPolicy,
): readonly FetchUnit[] {
  const start = units[0]
  const end = units.at(-1)
  if (start === undefined || end === undefined) return units
  // A zran context is as large as amplification makes a request, and costs inflating all of it.
  if (table.chunk(start.first).zran !== undefined) return units
  const limit = start.offset + policy.amplifyBytes
  let budget = policy.amplifyBytes * MAX_AMPLIFIED_RATIO
  let next = end.last + 1
  while (next < table.chunkCount) {
    const unit = unitAt(table, next)
    next = unit.last + 1
    if (unit.offset + unit.length > limit || unit.offset < start.offset) break
    if (chunksOf(unit).every(isUnwanted)) continue
    budget -= uncompressedSizeOf(table, unit)
    if (budget < 0) break
    units.push(unit)
  }
  return units
}

/** Indexes of the chunks that decode from `unit`. */
export function chunksOf(unit: FetchUnit): readonly number[] {
  return Array.from({ length: unit.last - unit.first + 1 }, (_, i) => unit.first + i)
}

function uncompressedSizeOf(table: UnitTable, unit: FetchUnit): number {
  return chunksOf(unit).reduce((size, index) => size + table.chunk(index).uncompressedSize, 0)
}

function coalesce(units: readonly FetchUnit[], maxRunBytes: number): readonly FetchRun[] {
  const byOffset = [...units].sort((a, b) => a.offset - b.offset)
  const runs: { offset: number; end: number; units: FetchUnit[] }[] = []
  for (const unit of byOffset) {
    const run = runs.at(-1)
    const end = unit.offset + unit.length
    const near = run !== undefined && unit.offset - run.end <= maxRunBytes >> GAP_SHIFT
    if (run !== undefined && near && end - run.offset <= maxRunBytes) {
      run.end = Math.max(run.end, end)
      run.units.push(unit)
    } else {
      runs.push({ offset: unit.offset, end, units: [unit] })
    }
  }
  return runs.map((run) => ({ offset: run.offset, length: run.end - run.offset, units: run.units }))
}
