// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { TarEntry } from '../../src/tar/entry.ts'
import { TAR_TYPE } from '../../src/tar/layout.ts'
import { readTar } from '../../src/tar/read-tar.ts'
import { nameBytes } from '../../src/tree/byte-name.ts'
import { encodeTarEntry, type OutputEntry, tarPath } from '../../src/unpack/tar-entry.ts'
import { stream } from '../tar-bytes.ts'

const components = (path: string) => path.split('/').map(nameBytes)

function output(members: Partial<OutputEntry> = {}): OutputEntry {
  return {
    path: components('dir/file'),
    type: TAR_TYPE.FILE,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNsec: 0,
    size: 0,
    xattrs: [],
    ...members,
  }
}

/** What our own reader, which is tested on other tars, finds in the bytes. */
async function readBack(entry: OutputEntry): Promise<TarEntry> {
  const parts = [encodeTarEntry(entry), new Uint8Array(1024)]
  for await (const found of readTar(stream(parts), { mtime: 'pax' })) return found
  throw new Error('no entry')
}

describe('encodeTarEntry', () => {
  it('fits a plain file into one block that every reader knows', () => {
    const bytes = encodeTarEntry(
      output({ mode: 0o4755, uid: 1000, gid: 0o7777777, mtime: 1_700_000_000, size: 5 }),
    )
    const text = (start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString('latin1')
    expect(bytes.length).toBe(512)
    expect(text(0, 9)).toBe('dir/file\0')
    expect(text(100, 148)).toBe('0004755\x000001750\x007777777\x0000000000005\x0014524770400\0')
    expect(text(156, 157)).toBe('0')
    expect(text(257, 265)).toBe('ustar\x0000')
    const sum = bytes.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0)
    expect(text(148, 156)).toBe(`${sum.toString(8).padStart(6, '0')}\0 `)
  })

  it.each([
    ['a path of 100 bytes', { path: components(`d/${'n'.repeat(98)}`) }, 512],
    ['a path of 101 bytes', { path: components(`d/${'n'.repeat(99)}`) }, 1536],
    ['a path of bytes', { path: [Uint8Array.of(0xff, 0xfe, 0x0a)] }, 512],
    [
      'a long path of bytes',
      { path: Array.from({ length: 40 }, () => Uint8Array.of(0x80, 0xff, 0x20)) },
      1536,
    ],
  ])('keeps %s', async (_what, members, size) => {
    const entry = output(members)
    expect(encodeTarEntry(entry).length).toBe(size)
    expect((await readBack(entry)).path.map((part) => [...part])).toEqual(entry.path.map((part) => [...part]))
  })

  it('calls the root ./', async () => {
    expect([...tarPath([])]).toEqual([0x2e, 0x2f])
    const entry = await readBack(output({ path: [], type: TAR_TYPE.DIRECTORY, mode: 0o1777 }))
    expect([entry.path, entry.kind, entry.mode]).toEqual([[], 'directory', 0o1777])
  })

  it.each([100, 101, 4095])('keeps a target of %d bytes', async (length) => {
    const target = new Uint8Array(length).fill(0xe9)
    const entry = await readBack(output({ type: TAR_TYPE.SYMLINK, target }))
    expect([entry.kind, entry.target]).toEqual(['symlink', target])
  })

  it.each([
    [0, 0],
    [1_700_000_000, 123_456_789],
    [1, 1],
    [2 ** 33 - 1, 0],
    [2 ** 33, 0],
    [2 ** 40, 999_999_999],
    [-1, 0],
    [-2, 500_000_000],
    [-1, 999_999_999],
    [-86_400, 0],
  ])('keeps the time %d s and %d ns', async (mtime, mtimeNsec) => {
    const entry = await readBack(output({ mtime, mtimeNsec }))
    expect([entry.mtime, entry.mtimeNsec]).toEqual([mtime, mtimeNsec])
  })

  it.each([0o7777777, 0o10000000, 2 ** 32 - 1])('keeps the owner %d', async (id) => {
    const entry = await readBack(output({ uid: id, gid: id }))
    expect([entry.uid, entry.gid]).toEqual([id, id])
  })

  it('puts sizes from 8 GiB on into a record, and into the header for old readers', () => {
    const bytes = encodeTarEntry(output({ size: 2 ** 33 }))
    expect(Buffer.from(bytes).toString('latin1')).toContain('19 size=8589934592\n')
    const header = bytes.subarray(bytes.length - 512)
    expect([...header.subarray(124, 136)]).toEqual([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0])
  })

  it('keeps device numbers of 12 and 20 bits', async () => {
    const entry = await readBack(output({ type: TAR_TYPE.BLOCK, rdev: 0xffff_ffff }))
    expect([entry.kind, entry.rdevMajor, entry.rdevMinor]).toEqual(['block', 0xfff, 0xf_ffff])
    const small = await readBack(output({ type: TAR_TYPE.CHAR, rdev: 0x0501 }))
    expect([small.kind, small.rdevMajor, small.rdevMinor]).toEqual(['char', 5, 1])
  })

  it('keeps xattrs with any bytes, sorted by name', async () => {
    const xattrs = [
      { name: nameBytes('user.z'), value: Uint8Array.of(0, 0x0a, 0x3d, 0xff) },
      { name: nameBytes('security.capability'), value: new Uint8Array(20).fill(0x0a) },
      { name: nameBytes('user.empty'), value: new Uint8Array(0) },
    ]
    const entry = await readBack(output({ xattrs }))
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
    expect(entry.xattrs.map(({ name, value }) => [text(name), [...value]])).toEqual([
      ['security.capability', new Array(20).fill(0x0a)],
      ['user.empty', []],
      ['user.z', [0, 0x0a, 0x3d, 0xff]],
    ])
  })

  it.each([91, 92, 93, 983, 984, 985, 986, 9980, 9981, 9982])(
    'counts the length of a record with a value of %d bytes, its own digits included',
    async (length) => {
      const value = new Uint8Array(length).fill(0x61)
      const entry = await readBack(output({ xattrs: [{ name: nameBytes('user.a'), value }] }))
      expect(entry.xattrs[0]?.value.length).toBe(length)
    },
  )

  it('refuses the name of an xattr that would end early', () => {
    const xattrs = [{ name: nameBytes('user.a=b'), value: new Uint8Array(1) }]
    expect(() => encodeTarEntry(output({ xattrs }))).toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_UNSUPPORTED_ENTRY',
        details: { path: '/dir/file', name: 'user.a=b' },
      }),
    )
  })
})
