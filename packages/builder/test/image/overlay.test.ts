// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { overlay } from '../../src/image/overlay.ts'
import type { Node } from '../../src/tree/node.ts'
import { directory, emptyFile, pathsOf, symlink } from '../tree-builder.ts'

const f = () => emptyFile()
const lower = () =>
  directory({
    a: f(),
    d: directory({ x: f(), y: f(), sub: directory({ deep: f() }) }, { mode: 0o041777, uid: 4 }),
    l: symlink('d'),
  })

describe('overlay', () => {
  it.each<[string, Record<string, Node>, string[]]>([
    ['an empty layer changes nothing', {}, ['a', 'd/', 'd/sub/', 'd/sub/deep', 'd/x', 'd/y', 'l']],
    ['a whiteout removes a file', { '.wh.a': f() }, ['d/', 'd/sub/', 'd/sub/deep', 'd/x', 'd/y', 'l']],
    ['a whiteout removes a directory', { '.wh.d': f() }, ['a', 'l']],
    [
      'a whiteout of nothing does nothing',
      { '.wh.none': f(), '.wh.': f(), '.wh...': f() },
      ['a', 'd/', 'd/sub/', 'd/sub/deep', 'd/x', 'd/y', 'l'],
    ],
    [
      'a whiteout beside its own path removes the lower one only',
      { '.wh.d': f(), d: directory({ z: f() }) },
      ['a', 'd/', 'd/z', 'l'],
    ],
    [
      'a whiteout inside',
      { d: directory({ '.wh.x': f() }) },
      ['a', 'd/', 'd/sub/', 'd/sub/deep', 'd/y', 'l'],
    ],
    [
      'an opaque directory hides what was in it',
      { d: directory({ '.wh..wh..opq': f(), new: f() }) },
      ['a', 'd/', 'd/new', 'l'],
    ],
    ['an opaque root', { '.wh..wh..opq': f(), new: f() }, ['new']],
    ['a file replaces a directory', { d: f() }, ['a', 'd', 'l']],
    [
      'a directory replaces a file',
      { a: directory({ in: f() }) },
      ['a/', 'a/in', 'd/', 'd/sub/', 'd/sub/deep', 'd/x', 'd/y', 'l'],
    ],
    [
      'a directory replaces a symlink, not its target',
      { l: directory({ in: f() }) },
      ['a', 'd/', 'd/sub/', 'd/sub/deep', 'd/x', 'd/y', 'l/', 'l/in'],
    ],
    [
      'whiteouts in a new directory go',
      { n: directory({ '.wh.q': f(), m: directory({ '.wh..wh..opq': f() }) }) },
      ['a', 'd/', 'd/sub/', 'd/sub/deep', 'd/x', 'd/y', 'l', 'n/', 'n/m/'],
    ],
  ])('%s', (_what, entries, expected) => {
    expect(pathsOf(overlay(lower(), directory(entries)))).toEqual(expected)
  })

  it('drops the whiteouts of the lowest layer', () => {
    expect(pathsOf(overlay(undefined, directory({ '.wh.a': f(), a: f() })))).toEqual(['a'])
  })

  it('takes the metadata of directories from the upper layer', () => {
    const merged = overlay(lower(), directory({ d: directory({}, { mode: 0o040700, uid: 8 }) }, { uid: 3 }))
    expect([merged.uid, merged.children?.get('d')?.mode, merged.children?.get('d')?.uid]).toEqual([
      3, 0o040700, 8,
    ])
  })

  it('leaves lower metadata alone where the upper directory is only implied, unless told to replace it', () => {
    const implied = () => directory({ d: directory({ z: f() }, { mtime: 0 }) }, { mtime: 0 })
    const kept = overlay(lower(), implied())
    expect([kept.mtime, kept.children?.get('d')?.mode, kept.children?.get('d')?.uid]).toEqual([
      7, 0o041777, 4,
    ])
    expect(kept.children?.get('d')?.children?.size).toBe(4)
    const replaced = overlay(lower(), implied(), 'replace')
    expect([replaced.mtime, replaced.children?.get('d')?.mode, replaced.children?.get('d')?.uid]).toEqual([
      0, 0o040755, 0,
    ])
  })

  it('copes with very deep trees', () => {
    const deep = () => {
      let node = directory({})
      for (let i = 0; i < 20_000; i++) node = directory({ d: node })
      return node
    }
    let node: Node | undefined = overlay(deep(), deep())
    let depth = 0
    for (; node !== undefined; node = node.children?.get('d')) depth += 1
    expect(depth).toBe(20_001)
  })
})
