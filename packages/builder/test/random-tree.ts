// SPDX-License-Identifier: Apache-2.0
/** Seeded random trees: names, targets, xattrs and sizes around the limits that decide about placement. */
import { FILE_TYPE, type Xattr } from '@nydus/rafs-format'
import { nameBytes } from '../src/tree/byte-name.ts'
import { ChunkStore } from '../src/tree/chunk-store.ts'
import type { FileTree } from '../src/tree/layer-tree.ts'
import { createNode, type Node } from '../src/tree/node.ts'
import { fileChunks } from './tree-builder.ts'

export const RANDOM_CHUNK_SIZE = 4096

export interface RandomTree extends FileTree {
  /** Bytes of blob 0, which all chunks are in. */
  readonly blobSize: number
}

/** mulberry32: numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export function randomTree(seed: number): RandomTree {
  const random = randomOf(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const chunks = new ChunkStore()
  const start = { offset: 0 }
  const linkable: Node[] = []

  function randomXattrs(): readonly Xattr[] {
    const count = random() < 0.8 ? 0 : 1 + below(4)
    const size = [3, 40, 500, 3900, 4100, 9000][below(6)] as number
    return Array.from({ length: count }, (_, i) => ({
      name: nameBytes(`user.${'abcd'[i]}${'n'.repeat(below(20))}`),
      value: new Uint8Array(below(size)).fill(i),
    }))
  }

  function randomNode(depth: number): Node {
    const meta = { uid: below(3), gid: below(2 ** 32), mtime: below(2 ** 33), xattrs: randomXattrs() }
    const kind = random()
    const old = linkable[below(linkable.length * 3)]
    if (old !== undefined && kind < 0.1) return old
    let node: Node
    if (kind < 0.3 && depth > 0) return randomDirectory(depth - 1, meta)
    if (kind < 0.45) {
      const target = 't'.repeat(1 + below([20, 200, 4095][below(3)] as number))
      node = createNode({
        ...meta,
        mode: FILE_TYPE.SYMLINK | 0o777,
        symlink: nameBytes(target),
        size: target.length,
      })
    } else if (kind < 0.55) {
      node = createNode({ ...meta, mode: FILE_TYPE.CHAR_DEVICE | 0o600, rdev: below(2 ** 32) })
    } else {
      const size = below([1, 100, 5000, 40_000][below(4)] as number)
      const members = fileChunks(chunks, size, RANDOM_CHUNK_SIZE, seed, start)
      node = createNode({ ...meta, mode: FILE_TYPE.REGULAR | 0o644, ...members })
    }
    linkable.push(node)
    return node
  }

  function randomDirectory(
    depth: number,
    members: Partial<Node>,
    count = below([0, 3, 12, 30, 90][below(5)] as number),
  ): Node {
    const children = new Map<string, Node>()
    for (let i = 0; i < count; i++) {
      const name = `${String.fromCharCode(0x21 + below(0x0e))}${i}${'x'.repeat(below([2, 30, 240][below(3)] as number))}`
      if (!name.includes('/')) children.set(name, randomNode(depth))
    }
    return createNode({ ...members, mode: FILE_TYPE.DIRECTORY | 0o755, children })
  }

  const root = randomDirectory(2, { mtime: 1 }, 25)
  return { root, chunks, blobSize: start.offset }
}
