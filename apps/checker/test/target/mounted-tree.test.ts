// SPDX-License-Identifier: Apache-2.0
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildTar } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { compareTrees } from '../../src/compare-trees.ts'
import { formatFinding } from '../../src/finding.ts'
import { applyChanges } from '../../src/source/apply-changes.ts'
import { readLayerChanges } from '../../src/source/layer-changes.ts'
import { impliedDirectory } from '../../src/source/source-node.ts'
import { openMountedTree } from '../../src/target/mounted-tree.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const SCHEME = { chunkSize: 0x1000, digester: 'blake3' } as const
const content = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 253))
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const oddName = Buffer.from([0x66, 0xff])

/** The same files as a directory and as a layer. */
async function openBoth() {
  const path = temporaryDirectory()
  mkdirSync(join(path, 'dir'))
  writeFileSync(join(path, 'dir', 'file'), content)
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), oddName]), 'odd')
  linkSync(join(path, 'dir', 'file'), join(path, 'link'))
  symlinkSync('dir/file', join(path, 'sym'))
  const times = [1_700_000_000, 1_700_000_000] as const
  utimesSync(join(path, 'dir', 'file'), ...times)
  utimesSync(Buffer.concat([Buffer.from(`${path}/`), oddName]), ...times)
  chmodSync(join(path, 'dir', 'file'), 0o640)
  const root = impliedDirectory()
  const tar = buildTar([
    { path: 'dir/file', content, mode: 0o640, ...owner },
    { path: 'link', type: 'hardlink', target: 'dir/file' },
    { path: oddName, content: 'odd', ...owner },
  ])
  async function* stream() {
    yield tar
  }
  applyChanges(root, await readLayerChanges(stream(), { scheme: SCHEME }))
  const compare = async () => {
    const lines: string[] = []
    const tree = openMountedTree({ path, close: async () => undefined }, SCHEME)
    await compareTrees(root, tree, { rule: 'mount', report: (finding) => lines.push(formatFinding(finding)) })
    return lines
  }
  return { path, compare }
}

describe('openMountedTree', () => {
  it('shows files as a layer has them, odd names and hard links too', async () => {
    const { compare } = await openBoth()
    expect(await compare()).toEqual(['mount: /sym: is not in the source'])
  })

  it('finds changed content and says where', async () => {
    const { path, compare } = await openBoth()
    const changed = Buffer.from(content)
    changed.writeUInt8(0, 9000)
    writeFileSync(join(path, 'dir', 'file'), changed)
    utimesSync(join(path, 'dir', 'file'), 1_700_000_000, 1_700_000_000)
    expect(await compare()).toContain('mount: /dir/file: content differs in the chunk at 0x2000')
  })

  it('says with a code that the mount is gone', async () => {
    const { path, compare } = await openBoth()
    rmSync(path, { recursive: true })
    await expect(compare()).rejects.toMatchObject({
      code: 'ERR_CACHE_IO',
      message: expect.stringMatching(/^the mount cannot be read at .*: ENOENT/),
    })
  })
})
