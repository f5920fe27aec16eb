// SPDX-License-Identifier: Apache-2.0
// Every record that the original wrote into a v5 bootstrap comes out of our encoders byte for byte.
import { describe, expect, it } from 'vitest'
import {
  encodePrefetchTable,
  encodeV5BlobTable,
  encodeV5ExtendedBlobTable,
  encodeV5Inode,
  encodeV5InodeInto,
  encodeV5InodeTable,
  encodeV5SuperBlock,
  readV5Record,
  S_IFMT,
  V5_ROOT_NAME,
  type V5Bootstrap,
  type V5Inode,
  type V5InodeValue,
  v5InodeBlocks,
  v5InodeDigest,
  v5InodeName,
  v5InodeSize,
  v5StoredRdev,
} from '../../src/index.ts'
import { ChunkRecord, V5_INODE_FLAGS } from '../../src/layout/index.ts'
import { readV5Symlink, v5RecordSize, v5RecordXattrs } from '../../src/v5/inode.ts'
import { v5RecordOffset } from '../../src/v5/inode-table.ts'
import { v5Bootstraps } from '../golden.ts'
import { openV5 } from './open-v5.ts'

// The link of quirk-hardlink-xattr-tar-v5 has xattrs without the flag, so nobody can read it.
const GOLDENS = v5Bootstraps().filter(({ id }) => id !== 'quirk-hardlink-xattr-tar-v5')

function inodeValue(bootstrap: V5Bootstrap, record: V5Inode): V5InodeValue {
  const type = record.mode & S_IFMT
  const chunksEnd = record.tailOffset + record.childCount * ChunkRecord.size
  return {
    ...record,
    digest: v5InodeDigest(bootstrap, record),
    rdev: v5StoredRdev(bootstrap, record),
    flags: record.flags & ~(V5_INODE_FLAGS.SYMLINK | V5_INODE_FLAGS.XATTR),
    name: v5InodeName(bootstrap, record),
    xattrs: v5RecordXattrs(bootstrap, record),
    ...(type === 0xa000 && { symlink: readV5Symlink(bootstrap, record.nid) }),
    ...(type === 0x8000 && { chunks: bootstrap.bytes.subarray(record.tailOffset, chunksEnd) }),
  }
}

function recordsOf(bootstrap: V5Bootstrap): V5Inode[] {
  const { inodeTableEntries } = bootstrap.superBlock
  return Array.from({ length: inodeTableEntries }, (_, i) => readV5Record(bootstrap, i + 1))
}

describe('v5 records of the original', () => {
  it.each(GOLDENS)('tables of $id ($output)', ({ bytes }) => {
    const bootstrap = openV5(bytes)
    const { superBlock, blobs } = bootstrap
    const offsets = Array.from({ length: superBlock.inodeTableEntries }, (_, i) =>
      v5RecordOffset(bootstrap, i + 1),
    )
    const prefetch = encodePrefetchTable(bootstrap.prefetchNids())
    const parts = Buffer.concat([
      encodeV5SuperBlock(superBlock),
      encodeV5InodeTable(offsets),
      prefetch,
      new Uint8Array(-prefetch.length & 7),
      encodeV5BlobTable(blobs),
      encodeV5ExtendedBlobTable(blobs),
    ])
    expect(Buffer.compare(parts, bytes.subarray(0, parts.length))).toBe(0)
    expect(Math.min(...offsets)).toBe(parts.length)
  })

  it.each(GOLDENS)('inodes of $id ($output)', ({ bytes }) => {
    const bootstrap = openV5(bytes)
    const rebuilt = new Uint8Array(bytes.length)
    let first = bytes.length
    for (const record of recordsOf(bootstrap)) {
      const value = inodeValue(bootstrap, record)
      const end = encodeV5InodeInto(rebuilt, record.bootstrapOffset, value)
      expect(end - record.bootstrapOffset).toBe(v5RecordSize(record))
      expect(end - record.bootstrapOffset).toBe(
        v5InodeSize({ ...value, chunkCount: value.chunks ? record.childCount : 0 }),
      )
      expect(v5InodeBlocks(record.size, value.xattrs)).toBe(record.blocks)
      first = Math.min(first, record.bootstrapOffset)
    }
    expect(Buffer.compare(rebuilt.subarray(first), bytes.subarray(first))).toBe(0)
  })

  it('leave no byte of an old buffer behind', () => {
    const [golden] = GOLDENS
    const bootstrap = openV5(golden?.bytes ?? new Uint8Array())
    for (const record of recordsOf(bootstrap)) {
      const value = inodeValue(bootstrap, record)
      const target = new Uint8Array(v5RecordSize(record)).fill(0xee)
      encodeV5InodeInto(target, 0, value)
      expect(Buffer.compare(target, encodeV5Inode(value))).toBe(0)
    }
    expect(v5InodeName(bootstrap, readV5Record(bootstrap, 1))).toEqual(V5_ROOT_NAME)
  })

  it('refuse what cannot be stored', () => {
    const [golden] = GOLDENS
    const bootstrap = openV5(golden?.bytes ?? new Uint8Array())
    const value = inodeValue(bootstrap, readV5Record(bootstrap, 1))
    expect(() => encodeV5Inode({ ...value, chunks: new Uint8Array(81) })).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
    for (const offset of [8192, 8201, 2 ** 32]) {
      expect(() => encodeV5InodeTable([offset])).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
      )
    }
    expect(encodeV5BlobTable([])).toHaveLength(0)
  })
})
