// SPDX-License-Identifier: Apache-2.0
/** The same file system in another bootstrap: other blobs and places of chunks, everything else as it was. */
import {
  type Bootstrap,
  type ChunkInfo,
  decodeChunkInfo,
  pathText,
  SUPER_FLAGS,
  walkTree,
} from '@nydus/rafs-format'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import type { FileTree } from '../tree/layer-tree.ts'

/** A record as an object that can be spread; its digest is a view. */
export function chunkAt(chunks: ChunkStore, position: number): ChunkInfo {
  return decodeChunkInfo(chunks.bytes(position))
}

/** Replaces chunk records one by one; nodes refer to the same positions as before. */
export function mapChunks(
  chunks: ChunkStore,
  map: (chunk: ChunkInfo, position: number) => ChunkInfo,
): ChunkStore {
  const mapped = new ChunkStore()
  for (let position = 0; position < chunks.count; position++)
    mapped.add(map(chunkAt(chunks, position), position))
  return mapped
}

/**
 * Writes `tree` with the settings and the prefetch table of `source`. A prefetch entry whose path is no UTF-8 is left out.
 * @param blobs in table order, as the chunks of `tree` count them.
 * @throws like `writeBootstrap`.
 */
export function rewriteBootstrap(
  source: Bootstrap,
  tree: FileTree,
  blobs: readonly BlobDescription[],
): Uint8Array {
  return writeBootstrap({
    tree,
    blobs,
    fsVersion: source.fsVersion,
    chunkSize: source.chunkSize,
    compressor: source.compressor,
    digester: source.digester,
    prefetchPatterns: prefetchPaths(source),
    explicitOwners: (source.flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n,
    extraFlags: source.flags & SUPER_FLAGS.HAS_XATTR,
  })
}

function prefetchPaths(source: Bootstrap): readonly string[] {
  const nids = source.prefetchNids()
  if (nids.length === 0) return []
  const wanted = new Set(nids)
  const paths = new Map<number, string>()
  for (const { path, inode } of walkTree(source)) {
    if (wanted.has(inode.nid) && !paths.has(inode.nid)) paths.set(inode.nid, pathText(path))
  }
  return nids.flatMap((nid) => paths.get(nid) ?? [])
}
