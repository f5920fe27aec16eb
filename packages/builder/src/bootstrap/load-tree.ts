// SPDX-License-Identifier: Apache-2.0
/** Reads a whole RAFS v6 bootstrap back into nodes. */
import { FormatError } from '@nydus/base/error'
import {
  type Bootstrap,
  FILE_TYPE,
  type Inode,
  readChunkIndex,
  readSymlink,
  readXattrs,
  S_IFMT,
  sortXattrs,
  walkTree,
} from '@nydus/rafs-format'
import { byteName } from '../tree/byte-name.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { deferredTarget } from '../tree/hard-links.ts'
import { type ByteName, createNode, type Node } from '../tree/node.ts'

/** A hard link whose target was not in its layer. */
export interface DeferredLink {
  /** Of the link, from the root. */
  readonly path: readonly ByteName[]
  readonly target: readonly ByteName[]
  /** The directory entries that hold the placeholder. */
  readonly siblings: Map<ByteName, Node>
}

/** A loaded bootstrap. */
export interface LoadedTree {
  readonly root: Node
  readonly deferredLinks: readonly DeferredLink[]
}

/**
 * Loads all nodes. An inode that several entries share becomes one node. Values of xattrs are views into the bootstrap.
 * @param chunks takes in the files' chunk records.
 * @param mapBlobIndex index of a blob in the new numbering.
 * @throws {FormatError} when the bootstrap is damaged, e.g. a chunk that its chunk table does not have.
 */
export function loadTree(
  bootstrap: Bootstrap,
  chunks: ChunkStore,
  mapBlobIndex: (blobIndex: number) => number = (blobIndex) => blobIndex,
): LoadedTree {
  const shared = new Map<number, Node>()
  const deferredLinks: DeferredLink[] = []
  const directories: Node[] = []
  for (const { path, inode } of walkTree(bootstrap)) {
    const node = shared.get(inode.nid) ?? loadNode(bootstrap, inode, chunks, mapBlobIndex)
    if (node.children !== undefined) directories[path.length] = node
    else if (inode.nlink > 1) shared.set(inode.nid, node)
    const name = path.at(-1)
    const siblings = directories[path.length - 1]?.children
    if (name === undefined || siblings === undefined) continue
    siblings.set(byteName(name), node)
    const target = deferredTarget(node)
    if (target !== undefined) deferredLinks.push({ path: path.map(byteName), target, siblings })
  }
  const [root] = directories
  if (root === undefined)
    throw new FormatError('ERR_FORMAT_CORRUPT', 'the root of the bootstrap is no directory')
  return { root, deferredLinks }
}

function loadNode(
  bootstrap: Bootstrap,
  inode: Inode,
  chunks: ChunkStore,
  mapBlobIndex: (blobIndex: number) => number,
): Node {
  const type = inode.mode & S_IFMT
  const symlink = type === FILE_TYPE.SYMLINK ? readSymlink(bootstrap, inode.nid) : undefined
  const run = type === FILE_TYPE.REGULAR ? loadChunks(bootstrap, inode, chunks, mapBlobIndex) : undefined
  return createNode({
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.rdev,
    size: type === FILE_TYPE.DIRECTORY ? 0 : inode.size,
    mtime: inode.mtime,
    mtimeNsec: inode.mtimeNsec,
    ...(inode.xattrSize > 0 && { xattrs: sortXattrs(readXattrs(bootstrap, inode.nid)) }),
    ...(symlink && { symlink }),
    ...run,
  })
}

function loadChunks(
  bootstrap: Bootstrap,
  inode: Inode,
  chunks: ChunkStore,
  mapBlobIndex: (blobIndex: number) => number,
): Pick<Node, 'chunkStart' | 'chunkCount'> {
  const refs = readChunkIndex(bootstrap, inode.nid)
  const table = bootstrap.chunkTable()
  const chunkStart = chunks.count
  for (const { blobIndex, chunkIndex, uncompressedOffset, length } of refs) {
    const chunk = table.find(blobIndex, chunkIndex)
    if (chunk?.uncompressedOffset !== uncompressedOffset || chunk.uncompressedSize !== length) {
      throw new FormatError(
        'ERR_FORMAT_CORRUPT',
        `inode ${inode.nid}: chunk ${chunkIndex} of blob ${blobIndex} is not in the chunk table as the file has it`,
        { details: { nid: inode.nid, blobIndex, chunkIndex, uncompressedOffset, length } },
      )
    }
    chunks.add({ ...chunk, blobIndex: mapBlobIndex(blobIndex) })
  }
  return { chunkStart, chunkCount: refs.length }
}
