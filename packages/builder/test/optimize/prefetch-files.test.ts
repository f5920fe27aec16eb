// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { parsePrefetchFiles } from '../../src/optimize/prefetch-files.ts'

describe('parsePrefetchFiles', () => {
  test('JSON with and without ranges', () => {
    const text =
      '{"version":"v1","files":[{"path":"/a","ranges":[[0,4096],[8192,1]]},{"path":"/b","ranges":null}]}'
    expect(parsePrefetchFiles(text)).toEqual([
      {
        path: '/a',
        ranges: [
          { offset: 0, length: 4096 },
          { offset: 8192, length: 1 },
        ],
      },
      { path: '/b' },
    ])
  })

  test('one path a line', () => {
    expect(parsePrefetchFiles('/a b\n\n  /c\r\nd\n')).toEqual([{ path: '/a b' }, { path: '/c' }])
  })

  test('paths that are not absolute are left out, nothing is an empty list', () => {
    expect(parsePrefetchFiles('{"version":"v1","files":[{"path":"a"}]}')).toEqual([])
    expect(parsePrefetchFiles(' \n')).toEqual([])
  })

  test.each([
    '{"version":"v1","files":[',
    '{"version":"v2","files":[]}',
    '{"files":[]}',
    '{"version":"v1"}',
    '{"version":"v1","files":[{}]}',
    '{"version":"v1","files":[null]}',
    '{"version":"v1","files":[{"path":"/a","ranges":1}]}',
    '{"version":"v1","files":[{"path":"/a","ranges":[[1]]}]}',
    '{"version":"v1","files":[{"path":"/a","ranges":[[-1,2]]}]}',
    '{"version":"v1","files":[{"path":"/a","ranges":[[0.5,2]]}]}',
  ])('refuses %s', (text) => {
    expect(() => parsePrefetchFiles(text)).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
  })
})
