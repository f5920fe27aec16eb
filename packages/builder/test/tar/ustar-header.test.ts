// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { readTar } from '../../src/tar/read-tar.ts'
import { encodeUstarHeader } from '../../src/tar/ustar-header.ts'
import { blocks, stream } from '../tar-bytes.ts'

describe('encodeUstarHeader', () => {
  it('writes headers that readTar reads', async () => {
    const tar = Buffer.concat([
      encodeUstarHeader({ path: 'image', type: 'directory', mode: 0o755, size: 0 }),
      encodeUstarHeader({ path: 'image/a', type: 'file', mode: 0o444, size: 5 }),
      blocks('hello'),
      Buffer.alloc(1024),
    ])
    const seen: unknown[] = []
    for await (const { path, kind, mode, size, uid, mtime } of readTar(stream([tar], 512))) {
      seen.push([path.map((part) => Buffer.from(part).toString()).join('/'), kind, mode, size, uid, mtime])
    }
    expect(seen).toEqual([
      ['image', 'directory', 0o755, 0, 0, 0],
      ['image/a', 'file', 0o444, 5, 0, 0],
    ])
  })

  it('refuses what does not fit', () => {
    const member = { path: 'a', type: 'file', mode: 0o644, size: 0 } as const
    expect(() => encodeUstarHeader({ ...member, path: 'a'.repeat(101) })).toThrow(RangeError)
    expect(() => encodeUstarHeader({ ...member, size: 8 ** 11 })).toThrow(RangeError)
  })
})
