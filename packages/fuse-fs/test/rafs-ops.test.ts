// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { lookupEntry, openBootstrap, readDirectory, readInode } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import type { RequestTarget } from '../src/dispatch.ts'
import { OPCODE } from '../src/protocol/opcodes.ts'
import {
  FuseAttr,
  FuseAttrOut,
  FuseEntryOut,
  FuseGetxattrOut,
  FuseStatfsOut,
} from '../src/protocol/structs.ts'
import { createRafsOps, type RafsOps } from '../src/rafs-ops.ts'
import { fixtureBootstrap } from './support/fixture.ts'
import { ask, askXattr, name } from './support/requests.ts'

const { EINVAL, ENOTDIR, ENAMETOOLONG, ENODATA, ENOSYS, ERANGE } = constants.errno

function open(
  id: string,
  compat?: { mountTime: number; owner: { uid: number; gid: number } | undefined },
): RequestTarget & { readonly ops: RafsOps } {
  const bootstrap = openBootstrap(fixtureBootstrap(id))
  return { ops: createRafsOps(bootstrap, compat === undefined ? {} : { compat }), read: () => 0 }
}
const attrOf = (payload: Uint8Array) => FuseAttr.decode(payload, FuseAttrOut.size)
const entryOf = (payload: Uint8Array) => ({
  ...FuseEntryOut.decode(payload),
  attr: FuseAttr.decode(payload, FuseEntryOut.size),
})

describe('lookup', () => {
  const tiny = open('tiny-tar-v6')

  it('gives nodeid, attributes and an endless validity', () => {
    const { result, payload } = ask(tiny, OPCODE.LOOKUP, 1, name('b'))
    expect(result).toBe(128)
    const { nodeid, entryValid, attrValid, attr } = entryOf(payload)
    expect(nodeid).toBe(lookupEntry(tiny.ops.bootstrap, tiny.ops.bootstrap.rootNid, Buffer.from('b'))?.nid)
    expect([entryValid, attrValid]).toEqual([2 ** 32, 2 ** 32])
    expect(attr).toMatchObject({
      ino: nodeid,
      size: 5000,
      blocks: 10,
      mode: 0o100644,
      nlink: 2,
      blksize: 4096,
    })
    expect(attr.mtime).toBe(1_700_000_000n)
  })

  it('gives hard links one nodeid', () => {
    const [first, second] = ['b', 'hard'].map(
      (text) => entryOf(ask(tiny, OPCODE.LOOKUP, 1, name(text)).payload).nodeid,
    )
    expect(first).toBe(second)
  })

  it('answers a missing name with nodeid 0, which the kernel remembers', () => {
    const { result, payload } = ask(tiny, OPCODE.LOOKUP, 1, name('nope'))
    expect(result).toBe(128)
    expect(FuseEntryOut.decode(payload)).toMatchObject({ nodeid: 0, entryValid: 2 ** 32 })
  })

  it('finds the root from below as nodeid 1', () => {
    const { nodeid } = entryOf(ask(tiny, OPCODE.LOOKUP, 1, name('dir')).payload)
    expect(entryOf(ask(tiny, OPCODE.LOOKUP, nodeid, name('..')).payload).nodeid).toBe(1)
    expect(entryOf(ask(tiny, OPCODE.LOOKUP, nodeid, name('.')).payload).nodeid).toBe(nodeid)
  })

  it('refuses names that are too long and parents that are no directories', () => {
    expect(ask(tiny, OPCODE.LOOKUP, 1, name('x'.repeat(256))).result).toBe(-ENAMETOOLONG)
    const { nodeid } = entryOf(ask(tiny, OPCODE.LOOKUP, 1, name('b')).payload)
    expect(ask(tiny, OPCODE.LOOKUP, nodeid, name('x')).result).toBe(-ENOTDIR)
  })

  it('throws for an inode outside the bootstrap', () => {
    expect(() => ask(tiny, OPCODE.LOOKUP, 2 ** 40, name('x'))).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
})

describe('getattr', () => {
  it('shows the root as stored, and as the original does with compat', () => {
    const stored = attrOf(ask(open('mixed-tar-v6-zstd-blake3'), OPCODE.GETATTR, 1).payload)
    expect(stored).toMatchObject({ mode: 0o040750, uid: 7, gid: 8, mtime: 1_700_000_000n })
    const compat = attrOf(
      ask(open('mixed-tar-v6-zstd-blake3', { mountTime: 99, owner: undefined }), OPCODE.GETATTR, 1).payload,
    )
    expect(compat).toMatchObject({ mode: 0o040755, uid: 7, gid: 8, mtime: 1_700_000_000n })
  })

  it('shows an mtime of 0 as the time of mounting with compat only', () => {
    const stored = attrOf(ask(open('tiny-tar-v6'), OPCODE.GETATTR, 1).payload)
    expect(stored.mtime).toBe(0n)
    const compat = attrOf(
      ask(open('tiny-tar-v6', { mountTime: 1_234_567, owner: { uid: 5, gid: 6 } }), OPCODE.GETATTR, 1)
        .payload,
    )
    expect([compat.mtime, compat.atime, compat.ctime, compat.uid, compat.gid]).toEqual([
      1_234_567n,
      1_234_567n,
      1_234_567n,
      5,
      6,
    ])
  })

  it('shows times before 1970 and behind 2106', () => {
    const times = open('times-dir-v6')
    const { bootstrap } = times.ops
    const stored = [...readDirectory(bootstrap, bootstrap.rootNid)].map(({ nid }) =>
      readInode(bootstrap, nid),
    )
    expect(stored.some(({ mtime }) => mtime < 0)).toBe(true)
    expect(stored.some(({ mtime }) => mtime > 2 ** 32)).toBe(true)
    for (const { nid, mtime, mtimeNsec } of stored) {
      const shown = attrOf(ask(times, OPCODE.GETATTR, nid).payload)
      expect(BigInt.asIntN(64, shown.mtime)).toBe(BigInt(mtime))
      expect(shown.mtimeNsec).toBe(mtimeNsec)
    }
  })
})

describe('readlink', () => {
  const types = open('types-tar-v6')
  const nodeidOf = (text: string) => entryOf(ask(types, OPCODE.LOOKUP, 1, name(text)).payload).nodeid

  it('gives targets of any length without NUL', () => {
    expect(Buffer.from(ask(types, OPCODE.READLINK, nodeidOf('abs')).payload).toString()).toBe('/d1/file')
    expect(ask(types, OPCODE.READLINK, nodeidOf('l4000')).result).toBe(3999)
  })

  it('refuses what is no link', () => {
    expect(ask(types, OPCODE.READLINK, nodeidOf('top')).result).toBe(-EINVAL)
  })

  it('shows device numbers as the kernel decodes them', () => {
    const rdev = (text: string) => entryOf(ask(types, OPCODE.LOOKUP, 1, name(text)).payload).attr.rdev
    expect(rdev('chr-null')).toBe((1 << 8) | 3)
    expect(rdev('chr-minor300')).toBe((5 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12))
  })
})

describe('xattrs', () => {
  const mixed = open('mixed-tar-v6-zstd-blake3')
  const { nodeid } = entryOf(ask(mixed, OPCODE.LOOKUP, 1, name('xa')).payload)

  it('tells the size, then the bytes, and ERANGE when the buffer is too small', () => {
    const size = askXattr(mixed, nodeid, 0, 'user.k')
    expect(FuseGetxattrOut.decode(size.payload).size).toBe(2)
    expect(Buffer.from(askXattr(mixed, nodeid, 2, 'user.k').payload).toString()).toBe('s1')
    expect(askXattr(mixed, nodeid, 1, 'user.k').result).toBe(-ERANGE)
    expect(askXattr(mixed, nodeid, 100, 'user.none').result).toBe(-ENODATA)
    expect(askXattr(mixed, 1, 100, 'user.k').result).toBe(-ENODATA)
  })

  it('lists names ended by NUL', () => {
    expect(FuseGetxattrOut.decode(askXattr(mixed, nodeid, 0).payload).size).toBe(7)
    expect(Buffer.from(askXattr(mixed, nodeid, 7).payload).toString()).toBe('user.k\0')
    expect(askXattr(mixed, nodeid, 6).result).toBe(-ERANGE)
    expect(askXattr(mixed, 1, 100).result).toBe(0)
  })

  it('answers ENOSYS when the image has none at all, so that the kernel stops asking', () => {
    const none = open('tiny-tar-v6')
    expect(askXattr(none, 1, 100, 'user.k').result).toBe(-ENOSYS)
    expect(askXattr(none, 1, 100).result).toBe(-ENOSYS)
  })
})

describe('statfs', () => {
  it('gives block size, name length and the number of inodes', () => {
    const mixed = open('mixed-tar-v6-zstd-blake3')
    const { result, payload } = ask(mixed, OPCODE.STATFS, 1)
    expect(result).toBe(80)
    expect(FuseStatfsOut.decode(payload)).toMatchObject({
      blockSize: 512,
      fragmentSize: 512,
      nameLength: 255,
      files: mixed.ops.bootstrap.inodeCount,
      blocks: 0,
    })
  })
})
