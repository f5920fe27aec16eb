// SPDX-License-Identifier: Apache-2.0
import { FILE_TYPE } from '@nydus/rafs-format'
import { describe, expect, test } from 'vitest'
import { wantedChunks } from '../../src/optimize/wanted-chunks.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { createNode } from '../../src/tree/node.ts'

const CHUNK = 4096
const file = (size: number, chunkStart: number) =>
  createNode({ mode: FILE_TYPE.REGULAR | 0o644, size, chunkStart, chunkCount: Math.ceil(size / CHUNK) })
const big = file(4 * CHUNK - 1, 10)
const children = new Map([
  ['big', big],
  ['link', big],
  ['empty', file(0, 0)],
  ['\xc3\xa9', file(1, 30)],
  ['dir', createNode({ mode: FILE_TYPE.DIRECTORY | 0o755 })],
])
const tree = { root: createNode({ mode: FILE_TYPE.DIRECTORY | 0o755, children }), chunks: new ChunkStore() }
const wanted = (path: string, ...ranges: readonly (readonly [number, number])[]) =>
  wantedChunks(
    tree,
    [{ path, ...(ranges.length > 0 && { ranges: ranges.map(([offset, length]) => ({ offset, length })) }) }],
    CHUNK,
  )

describe('wantedChunks', () => {
  test('a file without ranges is wanted whole', () =>
    expect(wanted('/big').positions).toEqual([10, 11, 12, 13]))

  test('ranges want the chunks that they meet or touch', () => {
    expect(wanted('/big', [1, 10]).positions).toEqual([10])
    expect(wanted('/big', [CHUNK, 1]).positions).toEqual([10, 11])
    expect(wanted('/big', [2 * CHUNK + 1, CHUNK - 2], [0, 1]).positions).toEqual([10, 12])
    expect(wanted('/big', [1 << 20, 1]).positions).toEqual([])
  })

  test('names are UTF-8, empty files have nothing', () => {
    expect(wanted('/é')).toEqual({ positions: [30], missing: [] })
    expect(wanted('/empty')).toEqual({ positions: [], missing: [] })
  })

  test('what is no file is reported', () => {
    expect(wanted('/dir').missing).toEqual(['/dir'])
    expect(wanted('/none/at/all').missing).toEqual(['/none/at/all'])
  })

  test('each chunk once, in the order of the list', () => {
    const files = [{ path: '/é' }, { path: '/link' }, { path: '/big' }]
    expect(wantedChunks(tree, files, CHUNK).positions).toEqual([30, 10, 11, 12, 13])
  })
})
