// SPDX-License-Identifier: Apache-2.0
/** Trees for tests, made without a tar. */
import { FILE_TYPE } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import type { BlobDescription } from '../src/bootstrap/write-bootstrap.ts'
import type { TarEntry, TarEntryKind } from '../src/tar/entry.ts'
import { nameBytes } from '../src/tree/byte-name.ts'
import type { ChunkStore } from '../src/tree/chunk-store.ts'
import { createNode, type Node } from '../src/tree/node.ts'

async function* noContent(): AsyncGenerator<Uint8Array> {}

/** A tar entry; `path` uses slashes, '' is the root. */
export function entry(kind: TarEntryKind, path: string, members: Partial<TarEntry> = {}): TarEntry {
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(nameBytes),
    kind,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 1,
    mtimeNsec: 0,
    size: 0,
    rdevMajor: 0,
    rdevMinor: 0,
    xattrs: [],
    content: noContent(),
    offset: 0x200,
    ...members,
  }
}

/** A link with its target. */
export function link(kind: 'symlink' | 'hardlink', path: string, target: string): TarEntry {
  return entry(kind, path, { target: nameBytes(target) })
}

/** A directory of `children`; a string is a file of that mtime-less content size. */
export function directory(children: Readonly<Record<string, Node>>, members: Partial<Node> = {}): Node {
  return createNode({
    mode: FILE_TYPE.DIRECTORY | 0o755,
    mtime: 7,
    ...members,
    children: new Map(Object.entries(children)),
  })
}

export function emptyFile(members: Partial<Node> = {}): Node {
  return createNode({ mode: FILE_TYPE.REGULAR | 0o644, ...members })
}

export function symlink(target: string): Node {
  return createNode({ mode: FILE_TYPE.SYMLINK | 0o777, symlink: nameBytes(target), size: target.length })
}

/** All paths of a tree with a mark for their type, sorted. */
export function pathsOf(root: Node, prefix = ''): string[] {
  return [...(root.children ?? [])]
    .flatMap(([name, node]) => [
      `${prefix}${name}${node.children === undefined ? '' : '/'}`,
      ...pathsOf(node, `${prefix}${name}/`),
    ])
    .sort()
}

/** Adds chunks for a file of `size` bytes at the end of blob 0. @returns members of its node. */
export function fileChunks(
  store: ChunkStore,
  size: number,
  chunkSize: number,
  seed: number,
  start: { offset: number },
): Partial<Node> {
  const chunkStart = store.count
  let chunkCount = 0
  for (let fileOffset = 0; fileOffset < size; fileOffset += chunkSize) {
    const uncompressedSize = Math.min(chunkSize, size - fileOffset)
    const digest = new Uint8Array(32)
    new DataView(digest.buffer).setUint32(0, Math.imul(seed + store.count + 1, 0x9e37_79b1) >>> 0)
    new DataView(digest.buffer).setUint32(4, store.count)
    store.add({
      digest,
      blobIndex: 0,
      flags: CHUNK_FLAGS.HAS_CRC32C,
      compressedSize: uncompressedSize,
      uncompressedSize,
      compressedOffset: start.offset,
      uncompressedOffset: start.offset,
      fileOffset,
      chunkIndex: store.count,
      crc32c: 1,
    })
    start.offset += Math.ceil(uncompressedSize / 4096) * 4096
    chunkCount += 1
  }
  return { size, chunkStart, chunkCount }
}

/** A blob of `uncompressedSize` bytes. */
export function blobOf(
  uncompressedSize: number,
  chunkCount: number,
  blobId = 'a'.repeat(64),
): BlobDescription {
  return {
    blobId,
    chunkCount,
    compressor: 'none',
    digester: 'sha256',
    features: 0x4000_0001,
    compressedSize: uncompressedSize,
    uncompressedSize,
    tocSize: 0,
    tocDigest: new Uint8Array(32),
    metaCompressor: 'none',
    metaOffset: uncompressedSize,
    metaCompressedSize: 16 * chunkCount,
    metaUncompressedSize: 16 * chunkCount,
    metaBlobDigest: new Uint8Array(32),
    metaBlobSize: 0,
    ivTail: new Uint8Array(8),
    cipher: 0,
  }
}
