// SPDX-License-Identifier: Apache-2.0
/** Small v5 bootstraps by hand, sound or hostile: records back to back in the order of their indexes. */
import { createHash } from 'node:crypto'
import {
  encodePrefetchTable,
  encodeV5BlobTable,
  encodeV5ExtendedBlobTable,
  encodeV5Inode,
  encodeV5InodeTable,
  encodeV5SuperBlock,
  SUPER_FLAGS,
  type V5InodeValue,
  type V5SuperBlock,
} from '../../src/index.ts'

/** A node; everything that is left out fits an empty file. */
export type MadeNode = Partial<Omit<V5InodeValue, 'name'>> & { readonly name: string }

/** What the bootstrap has besides nodes. */
export interface MadeTables {
  readonly blobIds?: readonly string[]
  readonly prefetch?: readonly number[]
  readonly superBlock?: Partial<V5SuperBlock>
  /** Entries of the inode table by index − 1, instead of the places of the records. */
  readonly offsets?: (places: readonly number[]) => readonly number[]
}

const NOTHING = createHash('sha256').digest()

/** A bootstrap with sha256 digests; the node of index i is `nodes[i − 1]`. Blobs have 4096 bytes. */
export function makeV5(nodes: readonly MadeNode[], tables: MadeTables = {}): Uint8Array {
  const blobs = (tables.blobIds ?? []).map((blobId) => ({
    blobId,
    chunkCount: 1,
    features: 0x4000_0000,
    uncompressedSize: 4096,
    compressedSize: 4096,
  }))
  const records = nodes.map((node, i) => encodeV5Inode(inodeValue(node, i + 1)))
  const prefetch = pad8(encodePrefetchTable(tables.prefetch ?? []))
  const [blobTable, extended] = [encodeV5BlobTable(blobs), encodeV5ExtendedBlobTable(blobs)]
  const prefetchTableOffset = 8192 + pad8(new Uint8Array(4 * nodes.length)).length
  const blobTableOffset = prefetchTableOffset + prefetch.length
  let at = blobTableOffset + blobTable.length + extended.length
  const places = records.map(({ length }) => {
    at += length
    return at - length
  })
  return new Uint8Array(
    Buffer.concat([
      encodeV5SuperBlock({
        chunkSize: 0x1000,
        flags: SUPER_FLAGS.COMPRESSION_ZSTD | SUPER_FLAGS.HASH_SHA256 | SUPER_FLAGS.HAS_XATTR,
        inodeCount: nodes.length,
        inodeTableOffset: 8192,
        inodeTableEntries: nodes.length,
        prefetchTableOffset,
        prefetchTableEntries: tables.prefetch?.length ?? 0,
        blobTableOffset,
        blobTableSize: blobTable.length,
        extendedBlobTableOffset: blobTableOffset + blobTable.length,
        extendedBlobTableEntries: blobs.length,
        ...tables.superBlock,
      }),
      encodeV5InodeTable(tables.offsets?.(places) ?? places),
      prefetch,
      blobTable,
      extended,
      ...records,
    ]),
  )
}

/** A directory whose children have nothing in them. */
export function dirNode(name: string, childIndex: number, childCount: number, parentIno = 1): MadeNode {
  const digest = createHash('sha256')
  for (let i = 0; i < childCount; i++) digest.update(NOTHING)
  return { name, mode: 0o40755, parentIno, childIndex, childCount, digest: digest.digest() }
}

/** The root with children from index 2 on. */
export function rootNode(childCount: number): MadeNode {
  return { ...dirNode('/', 2, childCount), parentIno: 0 }
}

function inodeValue({ name, ...node }: MadeNode, index: number): V5InodeValue {
  return {
    digest: NOTHING,
    parentIno: 1,
    ino: index,
    uid: 1,
    gid: 2,
    mode: 0o100644,
    size: 0,
    blocks: 0,
    nlink: 1,
    rdev: 0,
    mtime: 5,
    mtimeNsec: 6,
    ...node,
    name: Buffer.from(name, 'latin1'),
  }
}

function pad8(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([bytes, new Uint8Array(-bytes.length & 7)]))
}
