// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  decodeXattrs,
  encodeXattrs,
  isSupportedXattr,
  openBootstrap,
  readXattrs,
  sortXattrs,
  walkTree,
  type Xattr,
  xattrAreaSize,
  xattrCountField,
  xattrsSize,
} from '../src/index.ts'
import { output } from './golden.ts'

function xattr(name: string, value: string | Uint8Array = 'v'): Xattr {
  return { name: Buffer.from(name, 'latin1'), value: typeof value === 'string' ? Buffer.from(value) : value }
}

function plain(xattrs: readonly Xattr[]): readonly string[] {
  return xattrs.map(
    ({ name, value }) => `${Buffer.from(name).toString('latin1')}=${Buffer.from(value).toString('latin1')}`,
  )
}

const ALL = [
  xattr('user.a', 'one'),
  xattr('system.posix_acl_access', '\x02\0\0\0'),
  xattr('system.posix_acl_default', ''),
  xattr('trusted.overlay.opaque', 'y'),
  xattr('security.capability', new Uint8Array([1, 0, 0, 2, 0xff])),
  xattr('user.\xff\x00bytes', new Uint8Array(300).fill(0xee)),
]

describe('encodeXattrs and decodeXattrs', () => {
  it('mirror each other for every prefix, in the given order', () => {
    const area = encodeXattrs(ALL)
    expect(plain(decodeXattrs(area))).toEqual(plain(ALL))
    expect(area.length).toBe(xattrsSize(ALL))
    expect(xattrAreaSize(xattrCountField(area.length))).toBe(area.length)
  })
  it('lays one entry out as EROFS does', () => {
    expect(Buffer.from(encodeXattrs([xattr('user.k', 's1')])).toString('hex')).toBe(
      `${'00'.repeat(12)}01010200${'6b'}${'7331'}00`,
    )
  })
  it('give no bytes for no xattrs', () => {
    expect(encodeXattrs([])).toHaveLength(0)
    expect(decodeXattrs(new Uint8Array(0))).toEqual([])
    expect(xattrCountField(0)).toBe(0)
    expect(xattrAreaSize(0)).toBe(0)
  })
  it('refuse what RAFS cannot store', () => {
    for (const name of ['system.nfs4_acl', 'user.', 'userx', 'system.posix_acl_accessx', 'trusted.']) {
      expect(() => encodeXattrs([xattr(name)])).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_FEATURE' }),
      )
      expect(isSupportedXattr(Buffer.from(name))).toBe(false)
    }
    const tooLong = [
      [xattr(`user.${'n'.repeat(256)}`)],
      [xattr('user.v', new Uint8Array(0x1_0000))],
      Array.from({ length: 5 }, (_, i) => xattr(`user.${i}`, new Uint8Array(0xffff))),
    ]
    for (const xattrs of tooLong) {
      expect(() => encodeXattrs(xattrs)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
      )
    }
  })
  it('take the longest name and value', () => {
    const long = [xattr(`user.${'n'.repeat(255)}`, new Uint8Array(0xffff).fill(7))]
    expect(plain(decodeXattrs(encodeXattrs(long)))).toEqual(plain(long))
  })
  it('meet an area cut at every byte with a FormatError or with fewer entries', () => {
    const area = encodeXattrs(ALL)
    for (let length = 1; length < area.length; length++) {
      let found: readonly Xattr[] = []
      try {
        found = decodeXattrs(area.subarray(0, length))
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_FORMAT_TRUNCATED' })
        continue
      }
      expect(plain(ALL).slice(0, found.length)).toEqual(plain(found))
    }
  })
  it('refuse shared xattrs and unknown prefixes', () => {
    const shared = encodeXattrs([xattr('user.a')])
    shared[4] = 1
    const unknown = encodeXattrs([xattr('user.a')])
    unknown[13] = 9
    for (const area of [shared, unknown]) {
      expect(() => decodeXattrs(area)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_FEATURE' }),
      )
    }
  })
  it('read the values the original stored', () => {
    const bootstrap = openBootstrap(output('quirk-two-xattrs-tar-v6', 'bootstrap'))
    const withXattrs = [...walkTree(bootstrap)].filter(({ inode }) => inode.xattrSize > 0)
    expect(withXattrs.map(({ inode }) => readXattrs(bootstrap, inode.nid).length)).toEqual([4])
  })
})

describe('sortXattrs', () => {
  it('orders by bytes and leaves its input alone', () => {
    const given = [xattr('user.b'), xattr('security.z'), xattr('user.a')]
    expect(plain(sortXattrs(given))).toEqual(['security.z=v', 'user.a=v', 'user.b=v'])
    expect(plain(given)[0]).toBe('user.b=v')
  })
})
