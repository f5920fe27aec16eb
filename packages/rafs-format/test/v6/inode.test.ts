// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  openBootstrap,
  readChunkIndex,
  readInode,
  readSymlink,
  readXattrs,
  walkTree,
} from '../../src/index.ts'
import { dir, madeBlob, makeBootstrap } from '../make-bootstrap.ts'

const USER_A = { name: Buffer.from('user.a'), value: Buffer.from('1') }
const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }

describe('readInode', () => {
  it('reads compact inodes, which other EROFS tools write', () => {
    const bytes = makeBootstrap(
      [
        {
          nid: 128,
          mode: 0o40755,
          compact: true,
          entries: [dir('.', 128), dir('..', 128), dir('l', 140), dir('s', 150)],
        },
        { nid: 140, mode: 0o120777, compact: true, target: 'over there' },
        {
          nid: 150,
          mode: 0o100600,
          compact: true,
          xattrs: [USER_A],
          size: 5000,
          chunks: [0, 1].map((i) => ({ blobIndex: 0, chunkIndex: i, uncompressedOffset: i * 4096 })),
        },
      ],
      { blobs: [madeBlob(0, 0x2000)] },
    )
    const bootstrap = openBootstrap(bytes)
    expect([...walkTree(bootstrap)].map(({ inode }) => inode.nid)).toEqual([128, 140, 150])
    expect(readInode(bootstrap, 150)).toMatchObject({
      mode: 0o100600,
      nlink: 3,
      uid: 1,
      gid: 2,
      mtime: 0,
      mtimeNsec: 0,
      ino: 150,
    })
    expect(Buffer.from(readSymlink(bootstrap, 140)).toString()).toBe('over there')
    expect(readXattrs(bootstrap, 150)).toHaveLength(1)
    expect(readChunkIndex(bootstrap, 150)).toEqual([
      { blobIndex: 0, chunkIndex: 0, uncompressedOffset: 0, length: 4096, fileOffset: 0 },
      { blobIndex: 0, chunkIndex: 1, uncompressedOffset: 4096, length: 904, fileOffset: 4096 },
    ])
  })
  it('keeps times before 1970', () => {
    const bytes = makeBootstrap([ROOT])
    bytes.fill(0xff, 0x3000 + 32, 0x3000 + 40)
    expect(readInode(openBootstrap(bytes), 128)).toMatchObject({ mtime: -1, mtimeNsec: 6 })
  })
  it('shows rdev for devices only', () => {
    const bytes = makeBootstrap([
      ROOT,
      { nid: 140, mode: 0o20600, union: 0x103 },
      { nid: 144, mode: 0o10600, union: 0x103 },
    ])
    const bootstrap = openBootstrap(bytes)
    expect(readInode(bootstrap, 140).rdev).toBe(0x103)
    expect(readInode(bootstrap, 144).rdev).toBe(0)
  })
  it.each([-1, 0.5, Number.NaN, 2 ** 40, Number.MAX_SAFE_INTEGER])('refuses nid %d', (nid) => {
    expect(() => readInode(openBootstrap(makeBootstrap([ROOT])), nid)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
  it.each([
    ['an unknown data layout', 0, 0x03, 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['unknown format bits', 1, 0x01, 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['no file type', 5, 0x01, 'ERR_FORMAT_CORRUPT'],
    ['xattrs behind the end', 3, 0xff, 'ERR_FORMAT_OUT_OF_RANGE'],
  ])('refuses %s', (_, at, value, code) => {
    const bytes = makeBootstrap([ROOT])
    bytes[0x3000 + at] = value
    expect(() => readInode(openBootstrap(bytes), 128)).toThrowError(expect.objectContaining({ code }))
  })
})
