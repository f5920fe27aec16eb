// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { TarEntry } from '../../src/tar/entry.ts'
import { nameBytes } from '../../src/tree/byte-name.ts'
import { LINK_TARGET_XATTR, lookupNode } from '../../src/tree/hard-links.ts'
import { createLayerTree, type LayerTree } from '../../src/tree/layer-tree.ts'
import { entry, link, pathsOf } from '../tree-builder.ts'

function treeOf(...entries: readonly TarEntry[]): LayerTree {
  const tree = createLayerTree()
  for (const each of entries) tree.addEntry(each, [])
  tree.finish()
  return tree
}

const nodeAt = (tree: LayerTree, path: string) => lookupNode(tree.root, path.split('/'))

describe('createLayerTree', () => {
  it('starts with a root of 0755, owner 0:0, mtime 0', () => {
    const { root } = createLayerTree()
    expect([root.mode, root.uid, root.gid, root.mtime, root.children?.size]).toEqual([0o040755, 0, 0, 0, 0])
  })

  it('takes the root from an entry of its own and keeps what is in it', () => {
    const tree = treeOf(entry('file', 'f'), entry('directory', '', { mode: 0o1777, uid: 5, mtime: 9 }))
    expect([tree.root.mode, tree.root.uid, tree.root.mtime, pathsOf(tree.root)]).toEqual([
      0o041777,
      5,
      9,
      ['f'],
    ])
  })

  it('makes missing parents, whatever comes before them', () => {
    const tree = treeOf(
      entry('file', 'p/q/r'),
      entry('file', 'p/s'),
      entry('symlink', 'u/v', { target: nameBytes('w') }),
    )
    expect(pathsOf(tree.root)).toEqual(['p/', 'p/q/', 'p/q/r', 'p/s', 'u/', 'u/v'])
    expect([nodeAt(tree, 'p/q')?.mode, nodeAt(tree, 'p/q')?.mtime]).toEqual([0o040755, 0])
  })

  it('replaces earlier entries: a directory keeps its children, anything else drops them', () => {
    const tree = treeOf(
      entry('file', 'd/a'),
      entry('directory', 'd', { mode: 0o700 }),
      entry('file', 'e/a'),
      entry('file', 'e', { mode: 0o600 }),
      entry('file', 'f'),
      entry('directory', 'f'),
    )
    expect(pathsOf(tree.root)).toEqual(['d/', 'd/a', 'e', 'f/'])
    expect([nodeAt(tree, 'd')?.mode, nodeAt(tree, 'e')?.mode]).toEqual([0o040700, 0o100600])
    expect(tree.entryCount).toBe(6)
  })

  it('keeps whiteouts as ordinary files', () => {
    expect(pathsOf(treeOf(entry('file', '.wh.x'), entry('file', 'd/.wh..wh..opq')).root)).toEqual([
      '.wh.x',
      'd/',
      'd/.wh..wh..opq',
    ])
  })

  it('leaves stargz index and landmarks out, but only at the root', () => {
    const tree = createLayerTree()
    const accepted = [
      'stargz.index.json',
      '.prefetch.landmark',
      '.no.prefetch.landmark',
      'd/stargz.index.json',
      'x',
    ].filter((path) => tree.accepts(entry('file', path)))
    expect(accepted).toEqual(['d/stargz.index.json', 'x'])
  })

  it('encodes device numbers as Linux does', () => {
    const tree = treeOf(
      entry('char', 'c', { rdevMajor: 0xfff, rdevMinor: 0xf_ffff }),
      entry('block', 'b', { rdevMajor: 8, rdevMinor: 300 }),
    )
    expect([nodeAt(tree, 'c')?.rdev, nodeAt(tree, 'b')?.rdev]).toEqual([0xffff_ffff, 0x10_082c])
  })

  it.each<[string, string, () => TarEntry[]]>([
    [
      'an entry below a symlink',
      'ERR_BUILD_PATH_ESCAPE',
      () => [link('symlink', 'l', '/etc'), entry('file', 'l/passwd')],
    ],
    [
      'a link below a symlink',
      'ERR_BUILD_PATH_ESCAPE',
      () => [entry('file', 'f'), link('symlink', 'l', '..'), link('hardlink', 'l/x', 'f')],
    ],
    [
      'an entry below a file',
      'ERR_BUILD_DUPLICATE_ENTRY',
      () => [entry('file', 'f'), entry('file', 'f/x/y')],
    ],
    ['a root that is a file', 'ERR_BUILD_UNSUPPORTED_ENTRY', () => [entry('file', '')]],
    ['a root that is a symlink', 'ERR_BUILD_UNSUPPORTED_ENTRY', () => [link('symlink', '', '/')]],
    [
      'a root that is a hard link',
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      () => [entry('file', 'f'), link('hardlink', '', 'f')],
    ],
    [
      'a device that does not fit',
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      () => [entry('char', 'c', { rdevMajor: 4096 })],
    ],
  ])('refuses %s', (_what, code, entries) => {
    expect(() => treeOf(...entries())).toThrow(expect.objectContaining({ code }))
  })
})

describe('hard links', () => {
  it("share their target's inode, and its metadata whatever their own header says", () => {
    const tree = treeOf(
      entry('file', 'f', { mode: 0o640, uid: 1 }),
      entry('hardlink', 'd/h', { target: nameBytes('./f'), mode: 0o777, uid: 9 }),
    )
    expect(nodeAt(tree, 'd/h')).toBe(nodeAt(tree, 'f'))
    expect([nodeAt(tree, 'f')?.mode, nodeAt(tree, 'f')?.uid]).toEqual([0o100640, 1])
  })

  it('may lead to symlinks, devices and other links, with or without a leading slash', () => {
    const tree = treeOf(
      link('symlink', 's', 't'),
      entry('fifo', 'p'),
      link('hardlink', 'a', '/s'),
      link('hardlink', 'b', 'p'),
      link('hardlink', 'c', 'a'),
    )
    expect([nodeAt(tree, 'a'), nodeAt(tree, 'b'), nodeAt(tree, 'c')]).toEqual([
      nodeAt(tree, 's'),
      nodeAt(tree, 'p'),
      nodeAt(tree, 's'),
    ])
    expect(nodeAt(tree, 'c')).toBe(nodeAt(tree, 's'))
  })

  it('keep the old inode when their target is replaced', () => {
    const tree = treeOf(
      entry('file', 'f', { uid: 1 }),
      link('hardlink', 'h', 'f'),
      entry('file', 'f', { uid: 2 }),
    )
    expect([nodeAt(tree, 'f')?.uid, nodeAt(tree, 'h')?.uid]).toEqual([2, 1])
  })

  it('find targets that come later, also through each other', () => {
    const tree = treeOf(
      link('hardlink', 'a', 'f'),
      link('hardlink', 'b', 'a'),
      entry('file', 'f', { uid: 3 }),
    )
    expect(nodeAt(tree, 'a')).toBe(nodeAt(tree, 'f'))
    expect(nodeAt(tree, 'b')).toBe(nodeAt(tree, 'f'))
  })

  it('leave a placeholder that names a target of a lower layer', () => {
    const tree = treeOf(link('hardlink', 'd/h', '/keep/file'), link('hardlink', 'i', 'd/h'))
    for (const path of ['d/h', 'i']) {
      const [xattr] = nodeAt(tree, path)?.xattrs ?? []
      expect(Buffer.from(xattr?.name ?? []).toString()).toBe(LINK_TARGET_XATTR)
      expect(Buffer.from(xattr?.value ?? []).toString()).toBe('keep/file')
    }
  })

  it('drop a placeholder that was replaced', () => {
    const tree = treeOf(link('hardlink', 'h', 'gone'), entry('file', 'h'))
    expect(nodeAt(tree, 'h')?.xattrs).toEqual([])
  })

  it('to targets outside the layer can be refused', () => {
    const tree = createLayerTree({ lowerLinks: 'refuse' })
    tree.addEntry(link('hardlink', 'h', 'nowhere'), [])
    expect(() => tree.finish()).toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_UNSUPPORTED_ENTRY',
        message: '/h is a hard link to /nowhere, which does not exist',
      }),
    )
  })

  it('to directories are refused, at once or at the end', () => {
    expect(() => treeOf(entry('directory', 'd'), link('hardlink', 'h', 'd'))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_UNSUPPORTED_ENTRY' }),
    )
    expect(() => treeOf(link('hardlink', 'h', 'd'), entry('directory', 'd'))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_UNSUPPORTED_ENTRY' }),
    )
  })

  it('with .. in their target are refused', () => {
    expect(() => treeOf(link('hardlink', 'h', '../etc/passwd'))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_PATH_ESCAPE' }),
    )
  })
})
