// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseStargzToc } from '../../src/stargz/toc-json.ts'

const DIGEST = `sha256:${'ab'.repeat(32)}`

function toc(entries: unknown, version: unknown = 1): Uint8Array {
  return Buffer.from(JSON.stringify({ version, entries }))
}

describe('parseStargzToc', () => {
  it('fills in what is left out', () => {
    const [entry] = parseStargzToc(
      toc([{ name: 'a', type: 'reg', digest: DIGEST, modtime: '2023-11-14T22:13:20.9Z' }]),
    )
    expect(entry).toEqual({
      name: 'a',
      type: 'reg',
      size: 0,
      mtime: 1_700_000_000,
      linkName: '',
      mode: 0,
      uid: 0,
      gid: 0,
      devMajor: 0,
      devMinor: 0,
      xattrs: {},
      offset: 0,
      chunkOffset: 0,
      chunkSize: 0,
      chunkDigest: DIGEST,
    })
    expect(parseStargzToc(toc([{ name: 'a', type: 'dir', modtime: '0001-01-01T00:00:00Z' }]))[0]?.mtime).toBe(
      0,
    )
  })

  it.each([
    ['no JSON', Buffer.from('{'), 'ERR_FORMAT_CORRUPT'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'ERR_FORMAT_CORRUPT'],
    ['another document', Buffer.from('[1]'), 'ERR_FORMAT_CORRUPT'],
    ['no entries', toc([]), 'ERR_FORMAT_CORRUPT'],
    ['another version', toc([{ name: 'a', type: 'dir' }], 2), 'ERR_FORMAT_UNSUPPORTED_VERSION'],
    ['an entry that is none', toc([null]), 'ERR_FORMAT_CORRUPT'],
    ['no name', toc([{ type: 'dir' }]), 'ERR_FORMAT_CORRUPT'],
    ['an unknown type', toc([{ name: 'a', type: 'socket' }]), 'ERR_FORMAT_CORRUPT'],
    ['a link without a target', toc([{ name: 'a', type: 'symlink' }]), 'ERR_FORMAT_CORRUPT'],
    ['a negative size', toc([{ name: 'a', type: 'reg', size: -1 }]), 'ERR_FORMAT_CORRUPT'],
    ['a fraction', toc([{ name: 'a', type: 'reg', offset: 1.5 }]), 'ERR_FORMAT_CORRUPT'],
    ['an owner above 32 bits', toc([{ name: 'a', type: 'dir', uid: 2 ** 32 }]), 'ERR_FORMAT_CORRUPT'],
    ['a number as text', toc([{ name: 'a', type: 'dir', mode: '0755' }]), 'ERR_FORMAT_CORRUPT'],
    ['a bad time', toc([{ name: 'a', type: 'dir', modtime: 'yesterday' }]), 'ERR_FORMAT_CORRUPT'],
    ['xattrs that are no texts', toc([{ name: 'a', type: 'dir', xattrs: { a: 1 } }]), 'ERR_FORMAT_CORRUPT'],
    [
      'chunks in a shared member',
      toc([{ name: 'a', type: 'reg', innerOffset: 5 }]),
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
    ],
  ])('refuses %s', (_name, bytes, code) => {
    expect(() => parseStargzToc(bytes)).toThrow(expect.objectContaining({ code }))
  })
})
