// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { bytesText, lookupEntry, openBootstrap, readDirectory, readInode, walkTree } from '../../src/index.ts'
import { output } from '../golden.ts'
import { dir, makeBootstrap, type NamedEntry } from '../make-bootstrap.ts'

const BIG = openBootstrap(output('many-tar-v6', 'bootstrap'))

function biggestDirectory(): number {
  const sizes = [...walkTree(BIG)].filter(({ inode }) => (inode.mode & 0xf000) === 0x4000)
  return sizes.reduce((a, b) => (a.inode.size > b.inode.size ? a : b)).inode.nid
}

function directory(...entries: readonly NamedEntry[]): Uint8Array {
  return makeBootstrap([{ nid: 128, mode: 0o40755, entries }])
}

function listed(bytes: Uint8Array): readonly string[] {
  return [...readDirectory(openBootstrap(bytes), 128)].map(({ name }) => bytesText(name))
}

describe('readDirectory', () => {
  it('goes on behind every cookie, over many blocks', () => {
    const nid = biggestDirectory()
    const all = [...readDirectory(BIG, nid)]
    expect(readInode(BIG, nid).size).toBeGreaterThan(2 * 4096)
    expect(all.map(({ cookie }) => cookie)).toEqual(all.map((_, i) => i + 1))
    for (const { cookie } of all) {
      const [next] = readDirectory(BIG, nid, cookie)
      expect(next).toEqual(all[cookie])
    }
  })
  it('starts with nothing behind the last cookie', () => {
    expect([...readDirectory(BIG, 128, 1_000_000)]).toEqual([])
  })
  it('refuses what is no directory', () => {
    const bytes = makeBootstrap([{ nid: 128, mode: 0o100644 }])
    expect(() => [...readDirectory(openBootstrap(bytes), 128)]).toThrowError(/no directory/)
  })
  it('refuses a size that leaves the bootstrap before it loops', () => {
    for (const size of [2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const bytes = makeBootstrap([{ nid: 128, mode: 0o40755, size, entries: [dir('.', 128)] }])
      expect(() => [...readDirectory(openBootstrap(bytes), 128)]).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
      )
    }
  })
  it.each([
    ['a slash', 'a/b'],
    ['a NUL byte', 'a\0b'],
  ])('refuses a name with %s', (_, name) => {
    expect(() =>
      listed(directory(dir('.', 128), dir('..', 128), dir(name, 136), dir('z', 140))),
    ).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }))
  })
  it.each([
    ['behind the block', [0xff, 0xff]],
    ['off the grid', [37, 0]],
    ['zero', [0, 0]],
  ])('refuses a first name offset %s', (_, offset) => {
    const bytes = directory(dir('.', 128), dir('..', 128), dir('a', 136))
    bytes.set(offset, readInode(openBootstrap(bytes), 128).tailOffset + 8)
    expect(() => listed(bytes)).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }))
  })
  it('ends the last name of a block at a NUL byte', () => {
    const bytes = makeBootstrap([
      { nid: 128, mode: 0o40755, size: 60, entries: [dir('.', 128), dir('..', 128), dir('abc', 136)] },
    ])
    expect(listed(bytes)).toEqual(['.', '..', 'abc'])
  })
})

describe('lookupEntry', () => {
  it('finds every entry of every directory and nothing else', () => {
    for (const bootstrap of [
      BIG,
      openBootstrap(output('names-tar-v6', 'bootstrap')),
      openBootstrap(output('names-tarfs', 'bootstrap')),
    ]) {
      for (const { inode } of walkTree(bootstrap)) {
        if ((inode.mode & 0xf000) !== 0x4000) continue
        for (const { cookie: _, ...entry } of readDirectory(bootstrap, inode.nid)) {
          expect(lookupEntry(bootstrap, inode.nid, entry.name)).toEqual(entry)
          expect(lookupEntry(bootstrap, inode.nid, new Uint8Array([...entry.name, 1]))).toBeUndefined()
        }
      }
    }
  })
  it('finds nothing before the first and behind the last name', () => {
    for (const name of ['', '\x01', '\xff\xff']) {
      expect(lookupEntry(BIG, biggestDirectory(), Buffer.from(name, 'latin1'))).toBeUndefined()
    }
  })
})
