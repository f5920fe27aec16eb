// SPDX-License-Identifier: Apache-2.0
// Every record that the original wrote into a bootstrap comes out of our encoders byte for byte.
import { describe, expect, it } from 'vitest'
import {
  type Bootstrap,
  chunkIndexOffset,
  decodeDeviceSlots,
  encodeBlobTable,
  encodeChunkIndex,
  encodeChunkTable,
  encodeDeviceSlots,
  encodeDirents,
  encodeInode,
  encodePrefetchTable,
  encodeSuperBlock,
  encodeXattrs,
  FILE_TYPE,
  type Inode,
  isDirectoryMode,
  openBootstrap,
  planDeviceSlots,
  readChunkIndex,
  readDirectory,
  readXattrs,
  S_IFMT,
  walkTree,
  xattrCountField,
} from '../src/index.ts'
import { type GoldenBootstrap, v6Bootstraps } from './golden.ts'

const GOLDENS = v6Bootstraps()

function expectBytes(found: Uint8Array, bytes: Uint8Array, offset: number, what: string): void {
  const expected = bytes.subarray(offset, offset + found.length)
  if (Buffer.compare(found, expected) === 0) return
  expect(`${what}: ${Buffer.from(found).toString('hex')}`).toBe(
    `${what}: ${Buffer.from(expected).toString('hex')}`,
  )
}

function expectInode(bootstrap: Bootstrap, inode: Inode): void {
  const { bytes } = bootstrap
  const xattrs = encodeXattrs(readXattrs(bootstrap, inode.nid))
  expect(xattrs.length).toBe(inode.xattrSize)
  expectBytes(xattrs, bytes, inode.tailOffset - inode.xattrSize, `xattrs of ${inode.nid}`)
  const record = encodeInode({ ...inode, xattrCount: xattrCountField(xattrs.length) })
  expectBytes(record, bytes, inode.bootstrapOffset, `inode ${inode.nid}`)
  if ((inode.mode & S_IFMT) !== FILE_TYPE.REGULAR) return
  const index = encodeChunkIndex(readChunkIndex(bootstrap, inode.nid), bootstrap.blockSize)
  expectBytes(index, bytes, chunkIndexOffset(inode), `chunk index of ${inode.nid}`)
}

function expectDirents(bootstrap: Bootstrap, inode: Inode): void {
  const { blockSize, bytes } = bootstrap
  const data = encodeDirents([...readDirectory(bootstrap, inode.nid)], blockSize)
  expect(data.length).toBe(inode.size)
  const tail = inode.layout === 'flat-inline' ? data.length % blockSize : 0
  const blocks = data.length - tail
  expectBytes(data.subarray(0, blocks), bytes, inode.union * blockSize, `blocks of directory ${inode.nid}`)
  if (tail > 0) expectBytes(data.subarray(blocks), bytes, inode.tailOffset, `tail of directory ${inode.nid}`)
}

describe('records of the original', () => {
  it.each(GOLDENS)('tables of $id', ({ bytes }: GoldenBootstrap) => {
    const bootstrap = openBootstrap(bytes)
    if (bootstrap.fsVersion !== 6) throw new Error('no v6 bootstrap')
    const { superBlock, blobs, blockSize } = bootstrap
    expectBytes(encodeSuperBlock(superBlock), bytes, 1024, 'superblocks')
    const slots = decodeDeviceSlots(bytes, blobs.length)
    expectBytes(encodeDeviceSlots(slots), bytes, 1408, 'device table')
    expect(planDeviceSlots(blobs, bytes.length, blockSize)).toEqual(slots)
    expectBytes(encodeBlobTable(blobs), bytes, superBlock.blobTableOffset, 'blob table')
    expectBytes(
      encodePrefetchTable(bootstrap.prefetchNids()),
      bytes,
      superBlock.prefetchTableOffset,
      'prefetch table',
    )
    expectBytes(
      encodeChunkTable([...bootstrap.chunkTable()]),
      bytes,
      superBlock.chunkTableOffset,
      'chunk table',
    )
  })

  it.each(GOLDENS)('inodes, xattrs, chunk indexes and dirents of $id', ({ bytes }: GoldenBootstrap) => {
    const bootstrap = openBootstrap(bytes)
    for (const { inode } of walkTree(bootstrap)) {
      expectInode(bootstrap, inode)
      if (isDirectoryMode(inode.mode)) expectDirents(bootstrap, inode)
    }
  })
})
