// SPDX-License-Identifier: Apache-2.0
/** `inspect du`: how many bytes each directory holds, and how many of them are stored in blobs. */
import {
  type Bootstrap,
  FILE_TYPE,
  type Inode,
  isDirectoryMode,
  pathText,
  readFileChunks,
} from '@nydus/rafs-format'
import { type FoundPath, typeOf } from './find-path.ts'
import { walkBelow } from './tree-listing.ts'

/** What is below one directory. */
export interface UsedSpace {
  readonly path: string
  /** Paths below it, directories not counted. */
  readonly files: number
  /** Bytes of file data, hard links once. */
  readonly bytes: number
  /** Bytes that the data takes in blobs. A chunk counts for the first file that has it; chunks of batches count nothing. */
  readonly storedBytes: number
}

interface Counter {
  readonly path: readonly Uint8Array[]
  readonly depth: number
  readonly parent: Counter | undefined
  files: number
  bytes: number
  storedBytes: number
}

/** Chunks of one blob, `MAX_CHUNK_COUNT` of the format. */
const CHUNKS_PER_BLOB = 2 ** 24

/**
 * Adds up a directory and those down to `depth` levels below it, the largest first; of a file only itself.
 * @throws {FormatError} for a damaged bootstrap.
 */
export function diskUsage(bootstrap: Bootstrap, found: FoundPath, depth: number): readonly UsedSpace[] {
  const top: Counter = { path: found.path, depth: 0, parent: undefined, files: 0, bytes: 0, storedBytes: 0 }
  const seen = new Set<number>()
  if (!isDirectoryMode(found.inode.mode)) {
    count(top, bootstrap, found.inode, seen)
    return [usedSpace(top)]
  }
  const counters = new Map([[found.inode.nid, top]])
  for (const { path, inode, parentNid, repeated } of walkBelow(bootstrap, found.inode.nid)) {
    const parent = counters.get(parentNid) ?? top
    if (isDirectoryMode(inode.mode)) {
      const level = parent.depth + 1
      counters.set(inode.nid, { path, depth: level, parent, files: 0, bytes: 0, storedBytes: 0 })
    } else if (repeated) parent.files += 1
    else count(parent, bootstrap, inode, seen)
  }
  return addUp([...counters.values()])
    .filter((counter) => counter.depth <= depth)
    .sort((a, b) => a.depth - b.depth || b.bytes - a.bytes)
    .map(usedSpace)
}

function count(counter: Counter, bootstrap: Bootstrap, inode: Inode, seen: Set<number>): void {
  counter.files += 1
  if (typeOf(inode) !== FILE_TYPE.REGULAR) return
  counter.bytes += inode.size
  for (const { blobIndex, chunkIndex, compressedSize } of readFileChunks(bootstrap, inode.nid)) {
    const key = blobIndex * CHUNKS_PER_BLOB + chunkIndex
    if (seen.has(key)) continue
    seen.add(key)
    counter.storedBytes += compressedSize
  }
}

/** Directories come before what is in them, so backwards every child is complete before its parent. */
function addUp(counters: readonly Counter[]): readonly Counter[] {
  for (const counter of counters.toReversed()) {
    if (counter.parent === undefined) continue
    counter.parent.files += counter.files
    counter.parent.bytes += counter.bytes
    counter.parent.storedBytes += counter.storedBytes
  }
  return counters
}

function usedSpace({ path, files, bytes, storedBytes }: Counter): UsedSpace {
  return { path: pathText(path), files, bytes, storedBytes }
}
