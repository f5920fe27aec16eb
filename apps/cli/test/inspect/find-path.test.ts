// SPDX-License-Identifier: Apache-2.0
import { createLayerTree, readTar, writeBootstrap } from '@nydus/builder'
import { type Bootstrap, openBootstrap, pathText } from '@nydus/rafs-format'
import { buildTar } from '@nydus/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { findPath } from '../../src/inspect/find-path.ts'
import { formatListed, modeText } from '../../src/inspect/listing-text.ts'
import { listPath } from '../../src/inspect/tree-listing.ts'

let bootstrap: Bootstrap

beforeAll(async () => {
  const tree = createLayerTree()
  const tar = buildTar([
    { path: 'usr/bin/', type: 'directory', mode: 0o755 },
    { path: 'usr/bin/tool', type: 'file', mode: 0o4755, content: new Uint8Array(0) },
    { path: 'bin', type: 'symlink', target: 'usr/bin' },
    { path: 'abs', type: 'symlink', target: '/bin/../bin//tool' },
    { path: 'loop', type: 'symlink', target: 'loop' },
    { path: 'up', type: 'symlink', target: '../../../usr' },
  ])
  for await (const entry of readTar(ReadableStream.from([tar])))
    if (tree.accepts(entry)) tree.addEntry(entry, [])
  tree.finish()
  const common = { chunkSize: 0x100000, compressor: 'zstd', digester: 'blake3' } as const
  bootstrap = openBootstrap(writeBootstrap({ tree, blobs: [], ...common }))
})

describe('findPath', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['usr/./bin', '/usr/bin'],
    ['/bin/tool', '/usr/bin/tool'],
    ['/abs', '/usr/bin/tool'],
    ['/bin/..', '/usr'],
    ['/../..', '/'],
    ['/up/bin/', '/usr/bin'],
  ])('%j is %s', (text, expected) => {
    expect(pathText(findPath(bootstrap, text).path)).toBe(expected)
  })

  it('keeps a link that the path itself names', () => {
    expect(pathText(findPath(bootstrap, '/bin', 'keep').path)).toBe('/bin')
    expect(pathText(findPath(bootstrap, '/bin/tool', 'keep').path)).toBe('/usr/bin/tool')
  })

  it.each([
    ['/nothing', /\/ has no such entry/],
    ['/usr/bin/tool/x', /\/usr\/bin\/tool is not a directory/],
    ['/loop', /more than 40 symlinks/],
  ])('%j is not found', (text, message) => {
    expect(() => findPath(bootstrap, text)).toThrow(message)
  })
})

describe('listings', () => {
  it('look like those of ls', () => {
    const lines = [...listPath(bootstrap, findPath(bootstrap, '/'), true)].map(formatListed)
    expect(lines.find((line) => line.includes('/usr/bin/tool'))).toMatch(
      /^-rwsr-xr-x +0 +0 +0 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \/usr\/bin\/tool$/,
    )
    expect(lines.find((line) => line.includes(' /bin ->'))).toMatch(/^l.* \/bin -> usr\/bin$/)
  })

  it.each([
    ['file', 0o6644, '-rwSr-Sr--'],
    ['directory', 0o1777, 'drwxrwxrwt'],
    ['char', 0o1000, 'c--------T'],
  ] as const)('%s %i', (type, mode, text) => {
    expect(modeText({ type, mode })).toBe(text)
  })
})
