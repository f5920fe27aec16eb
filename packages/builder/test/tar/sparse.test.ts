// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { readTar } from '../../src/tar/read-tar.ts'
import { displayPath } from '../../src/tree/byte-name.ts'
import { blocks, END, file, header, pax, sealed, stream } from '../tar-bytes.ts'

async function contents(
  parts: readonly Uint8Array[],
  pieceSize?: number,
): Promise<[string, string, number][]> {
  const found: [string, string, number][] = []
  for await (const entry of readTar(stream(parts, pieceSize))) {
    const pieces: Uint8Array[] = []
    for await (const piece of entry.content) pieces.push(piece)
    found.push([displayPath(entry.path), Buffer.concat(pieces).toString('latin1'), entry.size])
  }
  return found
}

const octal = (value: number) => value.toString(8).padStart(11, '0')

/** An old GNU sparse header with up to four segments. */
function oldHeader(
  storedSize: number,
  realSize: number,
  segments: readonly [number, number][],
  extended = false,
): Uint8Array {
  const block = Buffer.from(header({ name: 'sparse', type: 'S', size: storedSize, magic: 'ustar  \0' }))
  segments.forEach(([offset, length], i) => {
    block.write(octal(offset), 386 + i * 24, 'latin1')
    block.write(octal(length), 398 + i * 24, 'latin1')
  })
  block[482] = extended ? 1 : 0
  block.write(octal(realSize), 483, 'latin1')
  return sealed(block)
}

function extension(segments: readonly [number, number][], extended = false): Uint8Array {
  const block = Buffer.alloc(512)
  segments.forEach(([offset, length], i) => {
    block.write(octal(offset), i * 24, 'latin1')
    block.write(octal(length), i * 24 + 12, 'latin1')
  })
  block[504] = extended ? 1 : 0
  return block
}

const EXPECTED = `${'\0'.repeat(3)}ab${'\0'.repeat(5)}c${'\0'.repeat(9)}`
const NEXT = file('next', 'n')

describe('sparse files', () => {
  it.each([1, 100, 4096])('of the old GNU format, pieces of %i bytes', async (pieceSize) => {
    const parts = [
      oldHeader(3, 20, [
        [3, 2],
        [10, 1],
        [20, 0],
      ]),
      blocks('abc'),
      NEXT,
      END,
    ]
    expect(await contents(parts, pieceSize)).toEqual([
      ['/sparse', EXPECTED, 20],
      ['/next', 'n', 1],
    ])
  })

  it('of the old GNU format with extension blocks', async () => {
    const parts = [
      oldHeader(3, 20, [[3, 2]], true),
      extension([[10, 1]], true),
      extension([[20, 0]]),
      blocks('abc'),
      NEXT,
      END,
    ]
    expect(await contents(parts)).toEqual([
      ['/sparse', EXPECTED, 20],
      ['/next', 'n', 1],
    ])
  })

  it('of PAX format 1.0', async () => {
    const map = blocks('3\n3\n2\n10\n1\n20\n0\n')
    const records = {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 'real',
      'GNU.sparse.realsize': '20',
    }
    const parts = [
      pax(records),
      header({ name: 'GNUSparseFile.1/real', size: 515 }),
      map,
      blocks('abc'),
      NEXT,
      END,
    ]
    expect(await contents(parts)).toEqual([
      ['/real', EXPECTED, 20],
      ['/next', 'n', 1],
    ])
  })

  it('of PAX format 1.0 with a map of several blocks', async () => {
    const segments = Array.from({ length: 100 }, (_, i) => [2 * i, 1])
    const map = blocks(`100\n${segments.flat().join('\n')}\n`)
    expect(map.length).toBeGreaterThan(512)
    const records = { 'GNU.sparse.major': '1', 'GNU.sparse.name': 'real', 'GNU.sparse.realsize': '200' }
    const parts = [pax(records), header({ size: map.length + 100 }), map, blocks('x'.repeat(100)), NEXT, END]
    expect(await contents(parts)).toEqual([
      ['/real', 'x\0'.repeat(100), 200],
      ['/next', 'n', 1],
    ])
  })

  it('of PAX format 0.1', async () => {
    const records = {
      'GNU.sparse.size': '20',
      'GNU.sparse.numblocks': '2',
      'GNU.sparse.map': '3,2,10,1',
      'GNU.sparse.name': 'real',
    }
    const parts = [pax(records), header({ size: 3 }), blocks('abc'), NEXT, END]
    expect(await contents(parts)).toEqual([
      ['/real', EXPECTED, 20],
      ['/next', 'n', 1],
    ])
  })

  it('that are one big hole', async () => {
    const parts = [oldHeader(0, 200_000, [[200_000, 0]]), NEXT, END]
    const [[, content, size] = ['', '', 0]] = await contents(parts)
    expect([content.length, size, /[^\0]/.test(content)]).toEqual([200_000, 200_000, false])
  })

  it.each<[string, readonly Uint8Array[], string]>([
    [
      'segments that overlap',
      [
        oldHeader(3, 20, [
          [3, 2],
          [4, 1],
        ]),
      ],
      'ERR_BUILD_BAD_TAR',
    ],
    ['a segment behind the end', [oldHeader(3, 4, [[3, 3]])], 'ERR_BUILD_BAD_TAR'],
    ['fewer bytes than mapped', [oldHeader(2, 20, [[3, 3]])], 'ERR_BUILD_BAD_TAR'],
    ['more bytes than mapped', [oldHeader(4, 20, [[3, 3]])], 'ERR_BUILD_BAD_TAR'],
    ['a huge hole', [oldHeader(0, 7 * 2 ** 30 * 3, [])], 'ERR_BUILD_TOO_LARGE'],
    [
      'PAX format 0.0',
      [pax({ 'GNU.sparse.size': '20', 'GNU.sparse.offset': '3' }), header({ size: 3 })],
      'ERR_BUILD_UNSUPPORTED_ENTRY',
    ],
    [
      'a map of odd length',
      [pax({ 'GNU.sparse.size': '20', 'GNU.sparse.map': '3,2,10' }), header({ size: 3 })],
      'ERR_BUILD_BAD_TAR',
    ],
    [
      'a map that is no list',
      [pax({ 'GNU.sparse.size': '20', 'GNU.sparse.map': '3,x' }), header({ size: 3 })],
      'ERR_BUILD_BAD_TAR',
    ],
    ['a map without a size', [pax({ 'GNU.sparse.map': '3,2' }), header({ size: 2 })], 'ERR_BUILD_BAD_TAR'],
    [
      'a content map longer than the content',
      [
        pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' }),
        header({ size: 512 }),
        blocks('900000000000000\n'),
      ],
      'ERR_BUILD_BAD_TAR',
    ],
    [
      'a content map that is no list',
      [pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' }), header({ size: 512 }), blocks('no\n')],
      'ERR_BUILD_BAD_TAR',
    ],
    ['an extension that is missing', [oldHeader(3, 20, [[3, 2]], true)], 'ERR_BUILD_BAD_TAR'],
  ])('are refused with %s', async (_what, parts, code) => {
    await expect(contents([...parts])).rejects.toMatchObject({ code })
  })
})
