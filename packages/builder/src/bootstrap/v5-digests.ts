// SPDX-License-Identifier: Apache-2.0
/** Inode digests of RAFS v5. Names, modes, owners and xattrs are not covered. */
import { type Digester, digestBytes } from '@nydus/base/digest'
import { ChunkRecord } from '@nydus/rafs-format/layout'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { isSymlink, type Node } from '../tree/node.ts'
import type { EntryNumbers } from './number-entries.ts'

const DIGEST_BYTES = 32
const NOTHING = new Uint8Array(0)

/**
 * A file's digest is that of its chunks' digests, a symlink's that of its target, a directory's that of its children's
 * digests; devices have that of nothing.
 * @returns 32 bytes for each entry number.
 */
export function digestEntries(numbers: EntryNumbers, chunks: ChunkStore, digester: Digester): Uint8Array {
  const { nodes, directories } = numbers
  const digests = new Uint8Array(nodes.length * DIGEST_BYTES)
  const ofNothing = digestBytes(digester, NOTHING)
  for (const [number, node] of nodes.entries()) {
    if (node.children === undefined) digests.set(digestNode(node) ?? ofNothing, number * DIGEST_BYTES)
  }
  // A directory comes before those in it, so they are done from the last to the first.
  for (const { number, firstChild, childCount } of directories.toReversed()) {
    const start = firstChild * DIGEST_BYTES
    const children = digests.subarray(start, start + childCount * DIGEST_BYTES)
    digests.set(digestBytes(digester, children), number * DIGEST_BYTES)
  }
  return digests

  function digestNode(node: Node): Uint8Array | undefined {
    if (isSymlink(node)) return digestBytes(digester, node.symlink ?? NOTHING)
    return node.chunkCount === 0 ? undefined : digestBytes(digester, chunkDigests(chunks, node))
  }
}

function chunkDigests(chunks: ChunkStore, { chunkStart, chunkCount }: Node): Uint8Array {
  const digests = new Uint8Array(chunkCount * DIGEST_BYTES)
  const at = ChunkRecord.offsets.digest
  for (let i = 0; i < chunkCount; i++) {
    digests.set(chunks.bytes(chunkStart + i).subarray(at, at + DIGEST_BYTES), i * DIGEST_BYTES)
  }
  return digests
}
