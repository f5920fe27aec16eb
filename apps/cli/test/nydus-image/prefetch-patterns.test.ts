// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { selectPatterns } from '../../src/nydus-image/prefetch-patterns.ts'

function select(text: string): { patterns: readonly string[]; warnings: readonly string[] } {
  const warnings: string[] = []
  return { patterns: selectPatterns(text, (message) => warnings.push(message)), warnings }
}

describe('prefetch patterns', () => {
  it('keeps the order and drops empty lines, white space and slashes at the end', () => {
    expect(select('/b\n\n  /a \r\n/c/\n').patterns).toEqual(['/b', '/a', '/c'])
  })

  it('leaves out what an earlier pattern covers, and says so', () => {
    const { patterns, warnings } = select('/usr\n/usr/bin\n/usr2\n/usr\n')
    expect(patterns).toEqual(['/usr', '/usr2'])
    expect(warnings).toEqual([
      'prefetch pattern /usr/bin is covered by an earlier one and is left out',
      'prefetch pattern /usr is covered by an earlier one and is left out',
    ])
  })

  it('keeps a directory behind what is in it', () => {
    expect(select('/usr/bin\n/usr').patterns).toEqual(['/usr/bin', '/usr'])
  })

  it('takes the root alone, also without a line end', () => {
    expect(select('/').patterns).toEqual(['/'])
    expect(select('/\n/a').patterns).toEqual(['/'])
  })

  it('leaves out what is not absolute', () => {
    expect(select('usr\n/a')).toEqual({
      patterns: ['/a'],
      warnings: ['prefetch pattern usr is not an absolute path and is left out'],
    })
  })
})
