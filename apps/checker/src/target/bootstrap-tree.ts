// SPDX-License-Identifier: Apache-2.0
/** The target as its bootstrap describes it, content by chunk digests that the pass over the blobs has proved. */
import { equalBytes } from '@nydus/base/binary'
import {
  type Bootstrap,
  type ChunkRef,
  FILE_TYPE,
  isDotName,
  readChunkIndex,
  readDirectory,
  readInode,
  readSymlink,
  readXattrs,
  S_IFMT,
} from '@nydus/rafs-format'
import { type ByteText, byteText } from '../byte-path.ts'
import { DIGEST_BYTES } from '../source/digest-content.ts'
import { xattrMap } from '../source/source-node.ts'
import type { TargetAttributes, TargetTree } from './target-tree.ts'

/** Tells why a chunk of the target is not what its digest says, or undefined when it was proved. */
export type ChunkFault = (blobIndex: number, chunkIndex: number) => string | undefined

/** Objects are named by their nid. */
export function openBootstrapTree(bootstrap: Bootstrap, chunkFault: ChunkFault): TargetTree<number> {
  return {
    root: bootstrap.rootNid,
    concurrency: 1, // nothing is waited for
    attributes: (nid) => attributesOf(bootstrap, nid),
    list(nid) {
      const entries = new Map<ByteText, number>()
      for (const entry of readDirectory(bootstrap, nid)) {
        if (!isDotName(entry.name)) entries.set(byteText(entry.name), entry.nid)
      }
      return entries
    },
    contentFault: (nid, chunkDigests) => contentFault(bootstrap, nid, chunkDigests, chunkFault),
  }
}

/** What is wrong with the chunks of a file, whatever the source says. */
export function fileFault(bootstrap: Bootstrap, nid: number, chunkFault: ChunkFault): string | undefined {
  for (const ref of readChunkIndex(bootstrap, nid)) {
    const fault = refFault(ref, chunkFault)
    if (fault !== undefined) return fault
  }
  return undefined
}

function attributesOf(bootstrap: Bootstrap, nid: number): TargetAttributes {
  const inode = readInode(bootstrap, nid)
  const type = inode.mode & S_IFMT
  const { mode, uid, gid, mtime, size, rdev } = inode
  return {
    mode,
    uid,
    gid,
    mtime,
    size,
    rdev,
    identity: nid,
    symlink: type === FILE_TYPE.SYMLINK ? byteText(readSymlink(bootstrap, nid)) : undefined,
    xattrs: xattrMap(readXattrs(bootstrap, nid)),
  }
}

function contentFault(
  bootstrap: Bootstrap,
  nid: number,
  expected: Uint8Array,
  chunkFault: ChunkFault,
): string | undefined {
  const refs = readChunkIndex(bootstrap, nid)
  if (refs.length * DIGEST_BYTES !== expected.length) {
    return `content has ${refs.length} chunks, expected ${expected.length / DIGEST_BYTES}`
  }
  for (const [i, ref] of refs.entries()) {
    const record = bootstrap.chunkTable().find(ref.blobIndex, ref.chunkIndex)
    if (record === undefined)
      return `chunk ${ref.chunkIndex} of blob ${ref.blobIndex} is not in the chunk table`
    if (record.uncompressedSize !== ref.length) {
      return `chunk at 0x${ref.fileOffset.toString(16)} has ${record.uncompressedSize} bytes, expected ${ref.length}`
    }
    const digest = expected.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)
    if (!equalBytes(record.digest, digest))
      return `content differs in the chunk at 0x${ref.fileOffset.toString(16)}`
    if (record.uncompressedOffset !== ref.uncompressedOffset) {
      const found = `0x${ref.uncompressedOffset.toString(16)}`
      return `chunk at 0x${ref.fileOffset.toString(16)} points to ${found} of its blob, the chunk table elsewhere`
    }
    const fault = refFault(ref, chunkFault)
    if (fault !== undefined) return fault
  }
  return undefined
}

function refFault(ref: ChunkRef, chunkFault: ChunkFault): string | undefined {
  const fault = chunkFault(ref.blobIndex, ref.chunkIndex)
  return fault === undefined ? undefined : `chunk at 0x${ref.fileOffset.toString(16)} ${fault}`
}
