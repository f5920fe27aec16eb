// SPDX-License-Identifier: Apache-2.0
/** What was done to each file of one image, for those who ask for it in the configuration. */
import { type FileAccess, FOP_NAMES, readSizeClass } from '@nydus/fuse-fs'

/** Counts of one file, in the shape of the original. */
export interface FileCounts {
  total_fops: number
  data_read: number
  readonly block_count_read: number[]
  readonly fop_hits: number[]
  readonly fop_errors: number[]
}

/** When and how often one file was read, in the shape of the original. */
export interface AccessPattern {
  readonly ino: number
  nr_read: number
  readonly first_access_time_secs: number
  readonly first_access_time_nanos: number
}

/** Which of them are kept. */
export interface AccountingKinds {
  readonly files: boolean
  readonly pattern: boolean
  readonly latest: boolean
}

/** The accounts of one image. */
export interface FileAccounting {
  count(access: FileAccess): void
  /** By inode. */
  files(): Readonly<Record<string, FileCounts>>
  /** Sorted by inode. */
  pattern(): readonly AccessPattern[]
  /** Inodes read since the last call: `[first, last]` of neighbours, `[one]` of others. */
  takeLatest(): readonly (readonly number[])[]
}

const READ = FOP_NAMES.indexOf('read')
const CLASSES = 8

/** Undefined when nothing is to be kept: counting costs time. */
export function createFileAccounting(kinds: AccountingKinds): FileAccounting | undefined {
  if (!kinds.files && !kinds.pattern && !kinds.latest) return undefined
  const files = new Map<number, FileCounts>()
  const patterns = new Map<number, AccessPattern>()
  let latest = new Set<number>()
  return {
    count(access) {
      if (kinds.files) countFile(files, access)
      if (access.fop !== READ || access.isError) return
      if (kinds.pattern) countPattern(patterns, access.nid)
      if (kinds.latest) latest.add(access.nid)
    },
    files: () => Object.fromEntries(files),
    pattern: () => [...patterns.values()].sort((a, b) => a.ino - b.ino),
    takeLatest() {
      const inodes = [...latest].sort((a, b) => a - b)
      latest = new Set()
      return joinNeighbours(inodes)
    },
  }
}

function countFile(files: Map<number, FileCounts>, { nid, fop, result, isError }: FileAccess): void {
  const counts = files.get(nid) ?? emptyCounts()
  files.set(nid, counts)
  const byFop = isError ? counts.fop_errors : counts.fop_hits
  byFop[fop] = (byFop[fop] ?? 0) + 1
  counts.total_fops += 1
  if (fop !== READ || isError) return
  const size = readSizeClass(result)
  counts.data_read += result
  counts.block_count_read[size] = (counts.block_count_read[size] ?? 0) + 1
}

function emptyCounts(): FileCounts {
  const zeros = (count: number): number[] => new Array<number>(count).fill(0)
  return {
    total_fops: 0,
    data_read: 0,
    block_count_read: zeros(CLASSES),
    fop_hits: zeros(FOP_NAMES.length),
    fop_errors: zeros(FOP_NAMES.length),
  }
}

function countPattern(patterns: Map<number, AccessPattern>, ino: number): void {
  const known = patterns.get(ino)
  if (known !== undefined) {
    known.nr_read += 1
    return
  }
  const now = Date.now()
  patterns.set(ino, {
    ino,
    nr_read: 1,
    first_access_time_secs: Math.floor(now / 1000),
    first_access_time_nanos: (now % 1000) * 1_000_000,
  })
}

/** @param inodes sorted. */
function joinNeighbours(inodes: readonly number[]): readonly (readonly number[])[] {
  const ranges: number[][] = []
  for (const inode of inodes) {
    const range = ranges.at(-1)
    if (range !== undefined && range.at(-1) === inode - 1) range[1] = inode
    else ranges.push([inode])
  }
  return ranges
}
