// SPDX-License-Identifier: Apache-2.0
/** Reads a whole bootstrap back into nodes. */
import { FormatError } from '@nydus/base/error'
import {
  type Bootstrap,
  type ChunkInfo,
  FILE_TYPE,
  type Inode,
  readFileChunks,
  readSymlink,
  readV5Inode,
  readXattrs,
  S_IFMT,
  SUPER_FLAGS,
  sortXattrs,
  type V5Bootstrap,
  v5StoredRdev,
  walkTree,
} from '@nydus/rafs-format'
import { V5_INODE_FLAGS } from '@nydus/rafs-format/layout'
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
    ...(bootstrap.fsVersion === 5 && v5Members(bootstrap, inode.nid)),
    ...run,
  })
}

/** What RAFS v5 stores and v6 has no place for: its builders take it over from the layers. */
function v5Members(bootstrap: V5Bootstrap, nid: number): Pick<Node, 'rdev' | 'size' | 'hardLinked'> {
  const inode = readV5Inode(bootstrap, nid)
  return {
    rdev: v5StoredRdev(bootstrap, inode),
    size: inode.size,
    hardLinked: (inode.flags & V5_INODE_FLAGS.HARDLINK) !== 0,
  }
}

function loadChunks(
  bootstrap: Bootstrap,
  inode: Inode,
  chunks: ChunkStore,
  mapBlobIndex: (blobIndex: number) => number,
): Pick<Node, 'chunkStart' | 'chunkCount'> {
  const chunkStart = chunks.count
  for (const chunk of fileChunks(bootstrap, inode.nid))
    chunks.add({ ...chunk, blobIndex: mapBlobIndex(chunk.blobIndex) })
  return { chunkStart, chunkCount: chunks.count - chunkStart }
}

/**
 * The chunks as the original's `merge` writes them: records of a v6 chunk table keep their `fileOffset`, whatever file
 * they are read for; in tarfs bootstraps, where a chunk is nothing but a place in the tar, it is 0.
 */
function fileChunks(bootstrap: Bootstrap, nid: number): readonly ChunkInfo[] {
  const chunks = readFileChunks(bootstrap, nid)
  if (bootstrap.fsVersion === 5) return chunks
  if ((bootstrap.flags & SUPER_FLAGS.TARFS_MODE) !== 0n)
    return chunks.map((chunk) => ({ ...chunk, fileOffset: 0 }))
  const table = bootstrap.chunkTable()
  return chunks.map((chunk) => table.find(chunk.blobIndex, chunk.chunkIndex) ?? chunk)
}
