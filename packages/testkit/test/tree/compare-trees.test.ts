// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { compareTrees } from '../../src/tree/compare-trees.ts'
import { scanTree } from '../../src/tree/scan-tree.ts'

const work = mkdtempSync(join(tmpdir(), 'nydus-trees-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

function makeTree(name: string): string {
  const root = join(work, name)
  mkdirSync(join(root, 'd'), { recursive: true })
  writeFileSync(join(root, 'd/file'), 'content')
  linkSync(join(root, 'd/file'), join(root, 'hard'))
  symlinkSync('nowhere', join(root, 'link'))
  writeFileSync(Buffer.concat([Buffer.from(`${root}/latin-`), Buffer.from([0xe9])]), '')
  return root
}
const changed = (name: string, change: (root: string) => void) => {
  const root = makeTree(name)
  change(root)
  return scanTree(root)
}

describe('scanTree and compareTrees', () => {
  const expected = scanTree(makeTree('expected'))
  const compare = (name: string, change: (root: string) => void, limit = 20) =>
    compareTrees(expected, changed(name, change), { ignore: ['mtimeNs'], limit })

  it('find equal trees equal and name every kind of file', () => {
    expect(compare('same', () => {})).toEqual({ compared: 6, total: 0, differences: [] })
    expect([...expected.keys()]).toEqual(['', 'd', 'd/file', 'hard', 'latin-\xe9', 'link'])
    expect(expected.get('hard')).toMatchObject({ nlink: 2, sameAs: 'd/file', size: 7 })
  })

  it('name what differs, with both values', () => {
    expect(compare('mode', (root) => chmodSync(join(root, 'd'), 0o700)).differences).toEqual([
      'd: mode is 040700, expected 040755',
    ])
    const content = compare('content', (root) => writeFileSync(join(root, 'hard'), 'CONTENT')).differences
    expect(content[0]).toMatch(/^d\/file: sha256 is /)
    expect(compare('extra', (root) => writeFileSync(join(root, 'new'), '')).differences).toEqual([
      'new: not expected',
    ])
    expect(compare('missing', (root) => rmSync(join(root, 'link'))).differences).toEqual(['link: missing'])
    const time = changed('time', (root) => utimesSync(join(root, 'd'), 1, 2))
    expect(compareTrees(expected, time).differences.join()).toContain('d: mtimeNs is 2000000000')
  })

  it('count all differences and describe the first ones', () => {
    const comparison = compare('many', (root) => rmSync(join(root, 'd'), { recursive: true }), 1)
    expect(comparison.differences).toHaveLength(1)
    expect(comparison.total).toBeGreaterThan(2)
  })
})
