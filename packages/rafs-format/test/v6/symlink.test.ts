// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openBootstrap, readSymlink, walkTree } from '../../src/index.ts'
import { output } from '../golden.ts'
import { dir, makeBootstrap } from '../make-bootstrap.ts'

const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }

describe('readSymlink', () => {
  it('reads targets of all lengths that the original stored', () => {
    const bootstrap = openBootstrap(output('types-tar-v6', 'bootstrap'))
    const links = [...walkTree(bootstrap)].filter(({ inode }) => (inode.mode & 0xf000) === 0xa000)
    const lengths = links.map(({ inode }) => readSymlink(bootstrap, inode.nid).length)
    expect(lengths).toEqual(links.map(({ inode }) => inode.size))
    expect(Math.max(...lengths)).toBeGreaterThan(3000)
  })
  it('joins blocks', () => {
    const bytes = makeBootstrap([ROOT, { nid: 140, mode: 0o120777, plain: { block: 5, size: 4096 } }])
    bytes.fill(0x61, 5 * 4096, 6 * 4096)
    expect(readSymlink(openBootstrap(bytes), 140)).toEqual(new Uint8Array(4096).fill(0x61))
  })
  it('gives a copy, so that shared memory can be decoded as text', () => {
    const made = makeBootstrap([ROOT, { nid: 140, mode: 0o120777, target: 't' }])
    const shared = new Uint8Array(new SharedArrayBuffer(made.length))
    shared.set(made)
    expect(new TextDecoder().decode(readSymlink(openBootstrap(shared), 140))).toBe('t')
  })
  it.each([
    ['what is no symlink', { nid: 140, mode: 0o100644 }, 'ERR_FORMAT_CORRUPT'],
    ['an empty target', { nid: 140, mode: 0o120777, size: 0 }, 'ERR_FORMAT_CORRUPT'],
    [
      'a target above 4096 bytes',
      { nid: 140, mode: 0o120777, plain: { block: 5, size: 4097 } },
      'ERR_FORMAT_CORRUPT',
    ],
    [
      'a target behind the end',
      { nid: 140, mode: 0o120777, plain: { block: 500, size: 10 } },
      'ERR_FORMAT_OUT_OF_RANGE',
    ],
  ])('refuses %s', (_, inode, code) => {
    const bootstrap = openBootstrap(makeBootstrap([ROOT, inode]))
    expect(() => readSymlink(bootstrap, 140)).toThrowError(expect.objectContaining({ code }))
  })
})
