// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { resolvePrefetch } from '../../src/bootstrap/prefetch.ts'
import { directory, emptyFile, symlink } from '../tree-builder.ts'

const root = directory({
  usr: directory({ bin: directory({ sh: emptyFile({ size: 5 }) }), é: emptyFile({ size: 0 }) }),
  l: symlink('usr'),
  '\xc3\xa9': emptyFile({ size: 1 }),
})

describe('resolvePrefetch', () => {
  const namesOf = (...patterns: string[]) => {
    const names = new Map([
      [root, '/'],
      ...[...(root.children ?? [])].map(([name, node]) => [node, name] as const),
    ])
    names.set(root.children?.get('usr')?.children?.get('bin') ?? root, 'bin')
    return resolvePrefetch(root, patterns).map((node) => names.get(node) ?? 'other')
  }
  it.each<[string[], string[]]>([
    [['/'], ['/']],
    [
      ['/usr/bin', '/usr'],
      ['bin', 'usr'],
    ],
    [
      ['/usr', '/usr/bin', '/l'],
      ['usr', 'l'],
    ],
    [['/usr', '/usr'], ['usr']],
    [['/', '/usr'], ['/']],
    [['relative', '', '/none', '//usr//', '/usr/é'], ['usr']],
    [['/none', '/none/below', ' /l '], ['l']],
    [['/é'], ['\xc3\xa9']],
    [['/usrx', '/usr'], ['usr']],
  ])('%j', (patterns, expected) => expect(namesOf(...patterns)).toEqual(expected))
})
