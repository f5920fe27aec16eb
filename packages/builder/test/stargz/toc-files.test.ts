// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { stargzFiles } from '../../src/stargz/toc-files.ts'
import { parseStargzToc } from '../../src/stargz/toc-json.ts'

const CHUNK = 4096
const digest = (n: number) => `sha256:${n.toString(16).padStart(2, '0').repeat(32)}`

function files(
  entries: readonly Record<string, unknown>[],
  layerSize: number | undefined = 100_000,
  offset = 0,
) {
  const bytes = Buffer.from(JSON.stringify({ version: 1, entries }))
  return stargzFiles(parseStargzToc(bytes), CHUNK, layerSize, offset)
}

const BIG = [
  {
    name: 'big',
    type: 'reg',
    size: 10_000,
    offset: 100,
    chunkSize: CHUNK,
    digest: digest(9),
    chunkDigest: digest(1),
  },
  { name: 'big', type: 'chunk', offset: 2000, chunkOffset: CHUNK, chunkSize: CHUNK, chunkDigest: digest(2) },
  { name: 'big', type: 'chunk', offset: 4000, chunkOffset: 2 * CHUNK, chunkDigest: digest(3) },
]

describe('stargzFiles', () => {
  it('puts the chunks of a file together, each up to the next member', () => {
    const [big, small] = files(
      [...BIG, { name: 'small', type: 'reg', size: 3, offset: 9000, digest: digest(4) }],
      9050,
      7,
    )
    expect(
      big?.chunks.map(({ size, fileOffset, place }) => [
        size,
        fileOffset,
        place.compressedOffset,
        place.compressedSize,
      ]),
    ).toEqual([
      [4096, 0, 107, 1900],
      [4096, 4096, 2007, 2000],
      [10_000 - 8192, 8192, 4007, 10_000 - 8192 + 151],
    ])
    expect(small?.chunks[0]).toMatchObject({ size: 3, place: { compressedOffset: 9007, compressedSize: 50 } })
    expect(small?.chunks[0]?.digest).toEqual(new Uint8Array(32).fill(4))
  })

  it('maps types, modes of Go, links, devices and xattrs', () => {
    const [directory, link, device, file] = files([
      { name: 'd/', type: 'dir', mode: (1 << 20) | 0o755 },
      { name: 'd/l', type: 'symlink', linkName: 'ü' },
      { name: 'd/c', type: 'char', mode: 0o600, devMajor: 1, devMinor: 300 },
      {
        name: 'd/f',
        type: 'reg',
        mode: (1 << 23) | (1 << 22) | 0o711,
        xattrs: { 'user.b': 'AAE=', 'user.a': '' },
      },
    ])
    expect(directory?.entry).toMatchObject({ kind: 'directory', mode: 0o1755, path: [Buffer.from('d')] })
    expect(link?.entry).toMatchObject({ kind: 'symlink', target: new Uint8Array(Buffer.from('ü')) })
    expect(device?.entry).toMatchObject({ kind: 'char', rdevMajor: 1, rdevMinor: 300 })
    expect(file?.entry.mode).toBe(0o6711)
    expect(file?.entry.xattrs.map(({ name, value }) => [Buffer.from(name).toString(), [...value]])).toEqual([
      ['user.a', []],
      ['user.b', [0, 1]],
    ])
    expect(file?.chunks).toEqual([])
  })

  it.each([
    ['a chunk of no file', [BIG[1]], 'ERR_FORMAT_CORRUPT'],
    ['a chunk of another file', [{ ...BIG[0], name: 'other' }, BIG[1]], 'ERR_FORMAT_CORRUPT'],
    ['a missing chunk', BIG.slice(0, 2), 'ERR_FORMAT_CORRUPT'],
    ['chunks of another size', [{ ...BIG[0], chunkSize: 5000 }], 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['a hole', [BIG[0], BIG[2]], 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['a file of one chunk that is too long', [{ ...BIG[0], chunkSize: 0 }], 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['chunks out of order', [BIG[0], { ...BIG[1], offset: 50 }, BIG[2]], 'ERR_FORMAT_CORRUPT'],
    [
      'a chunk behind the layer',
      BIG.map((entry) => ({ ...entry, offset: entry.offset + 200_000 })),
      'ERR_FORMAT_CORRUPT',
    ],
    ['a bad digest', [{ ...BIG[0], size: 5, chunkSize: 0, chunkDigest: 'md5:1' }], 'ERR_FORMAT_CORRUPT'],
    ['a way out', [{ name: '../a', type: 'dir' }], 'ERR_BUILD_PATH_ESCAPE'],
  ])('refuses %s', (_name, entries, code) => {
    expect(() => files(entries as Record<string, unknown>[])).toThrow(expect.objectContaining({ code }))
  })
})
