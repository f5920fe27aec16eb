// SPDX-License-Identifier: Apache-2.0
/** Which blobs stay, which are rewritten and which are merged. Pure: numbers in, decisions out. */
import { BLOB_FEATURES, type BlobInfo, blobDataSize } from '@nydus/rafs-format'
import type { CompactOptions } from './compact-options.ts'
import type { UsedChunks } from './used-chunks.ts'

/** What becomes of the blobs. */
export interface BlobChoice {
  /** Indexes of blobs that stay as they are. */
  readonly kept: ReadonlySet<number>
  /** Groups of blob indexes; the used chunks of each group become one new blob. */
  readonly rebuilt: readonly (readonly number[])[]
}

/** Blobs that are not ours to rewrite: a source layer, a tar, a model file. */
const FOREIGN_FEATURES =
  BLOB_FEATURES.SEPARATE | BLOB_FEATURES.ZRAN | BLOB_FEATURES.TARFS | BLOB_FEATURES.EXTERNAL
const PERCENT = 100

/**
 * Unused blobs go. Blobs that are used too little are rewritten. Small blobs are merged, smallest first, as long as the
 * new blob stays below its limit.
 * @param isFixed tells which blobs must stay although nothing refers to them: those of a chunk dictionary.
 */
export function chooseBlobs(
  blobs: readonly BlobInfo[],
  used: ReadonlyMap<number, UsedChunks>,
  options: Required<CompactOptions>,
  isFixed: (blob: BlobInfo) => boolean,
): BlobChoice {
  const kept = new Set<number>()
  const rebuilt = new Set<number>()
  const small: { readonly index: number; readonly size: number }[] = []
  for (const blob of blobs) {
    const chunks = used.get(blob.blobIndex)
    if (chunks === undefined) continue
    const fixed = isFixed(blob) || (blob.features & FOREIGN_FEATURES) !== 0
    const rewrite = !fixed && usedRatio(blob, chunks) < options.minUsedRatio
    if (rewrite) rebuilt.add(blob.blobIndex)
    else kept.add(blob.blobIndex)
    const size = rewrite ? chunks.size : blob.compressedSize || chunks.size
    if (!fixed && size < options.compactBlobSize) small.push({ index: blob.blobIndex, size })
  }
  const groups = mergeGroups(small, used, options.maxCompactSize)
  const merged = new Set(groups.flat())
  for (const index of merged) kept.delete(index)
  const alone = [...rebuilt].filter((index) => !merged.has(index)).map((index) => [index])
  return { kept, rebuilt: [...alone, ...groups].sort((a, b) => Math.min(...a) - Math.min(...b)) }
}

/** Per cent of the blob's chunk data that files use. */
function usedRatio(blob: BlobInfo, { chunks, size }: UsedChunks): number {
  const shared = (blob.features & BLOB_FEATURES.BATCH) !== 0
  const total = shared ? blob.uncompressedSize : blobDataSize(blob)
  const part = shared ? [...chunks.values()].reduce((sum, chunk) => sum + chunk.uncompressedSize, 0) : size
  return total === 0 ? PERCENT : Math.floor((part * PERCENT) / total)
}

/** Greedy, smallest first; only groups of two blobs and more count. */
function mergeGroups(
  small: readonly { readonly index: number; readonly size: number }[],
  used: ReadonlyMap<number, UsedChunks>,
  limit: number,
): number[][] {
  const groups: { readonly members: number[]; size: number }[] = []
  for (const { index } of small.toSorted((a, b) => a.size - b.size)) {
    const size = used.get(index)?.size ?? 0
    const group = groups.at(-1)
    if (group !== undefined && group.size + size <= limit) {
      group.members.push(index)
      group.size += size
    } else groups.push({ members: [index], size })
  }
  return groups.map(({ members }) => members).filter((members) => members.length > 1)
}
