// SPDX-License-Identifier: Apache-2.0
/** Which chunks of a tree a list of files wants. */
import { byteNameOfText } from '../tree/byte-name.ts'
import { lookupNode } from '../tree/hard-links.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import { isRegular, type Node } from '../tree/node.ts'
import type { PrefetchFile } from './prefetch-files.ts'

/** What the list comes to. */
export interface WantedChunks {
  /** Positions in the tree's chunk store, each once, in the order of the list. */
  readonly positions: readonly number[]
  /** Paths that name no regular file. */
  readonly missing: readonly string[]
}

/** Finds the chunks; several names of one file share its chunks. */
export function wantedChunks(
  { root }: FileTree,
  files: readonly PrefetchFile[],
  chunkSize: number,
): WantedChunks {
  const positions = new Set<number>()
  const missing: string[] = []
  for (const file of files) {
    const node = lookupNode(root, componentsOf(file.path))
    if (node === undefined || !isRegular(node)) {
      missing.push(file.path)
      continue
    }
    for (const index of chunksOf(node, file, chunkSize)) positions.add(node.chunkStart + index)
  }
  return { positions: [...positions], missing }
}

function componentsOf(path: string): readonly string[] {
  return byteNameOfText(path)
    .split('/')
    .filter((part) => part !== '' && part !== '.')
}

function* chunksOf(node: Node, { ranges }: PrefetchFile, chunkSize: number): Generator<number> {
  for (let index = 0; index < node.chunkCount; index++) {
    const start = index * chunkSize
    const end = Math.min(start + chunkSize, node.size)
    // A chunk that a range only touches counts, as in the original: its result is the same, byte for byte.
    const wanted = ranges?.some(({ offset, length }) => offset <= end && start <= offset + length) ?? true
    if (wanted) yield index
  }
}
