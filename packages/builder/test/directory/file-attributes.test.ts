// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseFileAttributes } from '../../src/directory/file-attributes.ts'

describe('parseFileAttributes', () => {
  it('reads paths, values, flags and comments', () => {
    const attributes = parseFileAttributes(
      '# comment\n\n/a/b type=external size=1\n  c -flag other\n"with space" type=external\n[attr]macro x\n',
    )
    expect([...(attributes.of('a/b') ?? [])]).toEqual([
      ['type', 'external'],
      ['size', '1'],
    ])
    expect([...(attributes.of('c') ?? [])]).toEqual([
      ['flag', 'false'],
      ['other', 'true'],
    ])
    expect(attributes.isExternal('with space')).toBe(true)
    expect(attributes.isExternal('c')).toBe(false)
  })

  it('makes directories above external paths external, unless they say otherwise', () => {
    const attributes = parseFileAttributes('/a type=other\n/a/b/c type=external\n/plain x=1')
    expect(['a', 'a/b', 'a/b/c', 'plain', ''].map(attributes.isExternal)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ])
    expect(['a', 'a/b', 'plain'].map(attributes.leadsToExternal)).toEqual([true, true, false])
  })

  it.each([
    ['/a =x', 'line 1: "=x" is no attribute'],
    ['\n"open', 'line 2: the quoted path does not end'],
    ['"bad \\x" y', 'line 1: "bad \\x" cannot be read'],
  ])('refuses %j', (text, message) => {
    expect(() => parseFileAttributes(text)).toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_OPTION_CONFLICT',
        message: expect.stringContaining(message),
      }),
    )
  })
})
