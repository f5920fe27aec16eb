// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { normalizeTarPath } from '../../src/tar/tar-path.ts'

const split = (path: string) =>
  normalizeTarPath(Buffer.from(path, 'latin1'), 0).map((part) => Buffer.from(part).toString('latin1'))

describe('normalizeTarPath', () => {
  it.each<[string, string[]]>([
    ['a/b', ['a', 'b']],
    ['/a//b/', ['a', 'b']],
    ['./a/./b/.', ['a', 'b']],
    ['.', []],
    ['./', []],
    ['/', []],
    ['', []],
    ['...', ['...']],
    ['..a/a..', ['..a', 'a..']],
    ['\xff\x80', ['\xff\x80']],
    ['n'.repeat(255), ['n'.repeat(255)]],
  ])('%j', (path, parts) => expect(split(path)).toEqual(parts))

  it.each<[string, string]>([
    ['..', 'ERR_BUILD_PATH_ESCAPE'],
    ['a/..', 'ERR_BUILD_PATH_ESCAPE'],
    ['/../a', 'ERR_BUILD_PATH_ESCAPE'],
    ['a\0b', 'ERR_BUILD_BAD_TAR'],
    [`a/${'n'.repeat(256)}`, 'ERR_BUILD_TOO_LARGE'],
  ])('refuses %j', (path, code) => expect(() => split(path)).toThrow(expect.objectContaining({ code })))
})
