// SPDX-License-Identifier: Apache-2.0
import { FILE_TYPE } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { compareTrees } from '../src/compare-trees.ts'
import { formatFinding } from '../src/finding.ts'
import { impliedDirectory, type SourceNode } from '../src/source/source-node.ts'
import type { TargetAttributes, TargetTree } from '../src/target/target-tree.ts'

function file(changes: Partial<SourceNode> = {}): SourceNode {
  return {
    ...impliedDirectory(),
    mode: FILE_TYPE.REGULAR | 0o644,
    mtime: 1_700_000_000,
    implied: false,
    children: undefined,
    ...changes,
  }
}

function directory(
  children: Readonly<Record<string, SourceNode>>,
  changes: Partial<SourceNode> = {},
): SourceNode {
  return {
    ...file(),
    mode: FILE_TYPE.DIRECTORY | 0o755,
    children: new Map(Object.entries(children)),
    ...changes,
  }
}

/** The same tree as a target; nodes in `changes` have other attributes. */
function targetOf(
  root: SourceNode,
  changes: ReadonlyMap<SourceNode, Partial<TargetAttributes>> = new Map(),
): TargetTree<SourceNode> {
  const identities = new Map<SourceNode, number>()
  return {
    root,
    concurrency: 2,
    attributes(node) {
      if (!identities.has(node)) identities.set(node, identities.size)
      return { ...node, identity: identities.get(node) ?? -1, ...changes.get(node) }
    },
    list: (node) => node.children ?? new Map(),
    contentFault: (node, digests) =>
      Buffer.compare(node.chunkDigests, digests) === 0 ? undefined : 'content differs',
  }
}

async function compare(source: SourceNode, target: TargetTree<SourceNode>): Promise<string[]> {
  const lines: string[] = []
  await compareTrees(source, target, {
    rule: 'filesystem',
    report: (finding) => lines.push(formatFinding(finding)),
  })
  return lines
}

describe('compareTrees', () => {
  it('counts what it compared', async () => {
    const root = directory({ a: file(), d: directory({ b: file() }) })
    const counts = await compareTrees(root, targetOf(root), { rule: 'filesystem', report: () => undefined })
    expect(counts).toEqual({ pathCount: 3, fileCount: 2 })
  })

  it.each<[Partial<TargetAttributes>, string]>([
    [{ mode: FILE_TYPE.REGULAR | 0o600 }, 'mode is 0600, expected 0644'],
    [{ mode: FILE_TYPE.DIRECTORY | 0o644 }, 'is a directory, expected a file'],
    [{ uid: 5 }, 'uid is 5, expected 0'],
    [{ gid: 6 }, 'gid is 6, expected 0'],
    [{ size: 7 }, 'size is 7, expected 0'],
    [{ mtime: 1 }, 'mtime is 1, expected 1700000000'],
    [{ rdev: 0x801 }, 'device is 8:1, expected 0:0'],
    [{ symlink: 'x' }, 'points to "x", expected nothing'],
    [{ xattrs: new Map([['user.a', '\x01']]) }, 'xattr user.a is not in the source'],
  ])('finds %j', async (change, message) => {
    const node = file()
    const root = directory({ f: node })
    expect(await compare(root, targetOf(root, new Map([[node, change]])))).toEqual([
      `filesystem: /f: ${message}`,
    ])
  })

  it('finds xattrs that are missing or have another value', async () => {
    const node = file({
      xattrs: new Map([
        ['user.a', '\x01'],
        ['user.b', 'b'],
      ]),
    })
    const root = directory({ f: node })
    const change = { xattrs: new Map([['user.a', '\x02']]) }
    expect(await compare(root, targetOf(root, new Map([[node, change]])))).toEqual([
      'filesystem: /f: xattr user.a is 0x02, expected 0x01',
      'filesystem: /f: xattr user.b is missing',
    ])
  })

  it('finds missing and extra paths, with names that are no UTF-8', async () => {
    const source = directory({ '\xff': file(), '\xc3\xa9': file(), both: file() })
    const target = directory({ 'new\n': file(), both: source.children?.get('both') ?? file() })
    expect(await compare(source, targetOf(target))).toEqual([
      'filesystem: /new\\x0a: is not in the source',
      'filesystem: /é: is missing in the target',
      'filesystem: /\\xff: is missing in the target',
    ])
  })

  it('finds hard links that are none, and files that became one', async () => {
    const shared = file()
    const apart = await compare(
      directory({ a: shared, b: shared }),
      targetOf(directory({ a: file(), b: file() })),
    )
    expect(apart).toEqual(['filesystem: /b: is not the same file as /a'])
    const joined = await compare(
      directory({ a: file(), b: file() }),
      targetOf(directory({ a: shared, b: shared })),
    )
    expect(joined).toEqual(['filesystem: /b: is the same file as /a, in the source it is not'])
  })

  it('compares neither the root itself nor what no layer says about a directory', async () => {
    const implied = { ...impliedDirectory(), children: new Map([['f', file()]]) }
    const source = directory({ d: implied }, { uid: 9 })
    const target = directory({ d: directory({ f: file() }, { uid: 3 }) })
    expect(await compare(source, targetOf(target))).toEqual([])
  })

  it('tolerates the times that the original builder is known to lose', async () => {
    const source = directory({ far: file({ mtime: 2 ** 33 }), dir: directory({}) })
    const target = directory({ far: file({ mtime: 0 }), dir: directory({}, { mtime: 0 }) })
    expect(await compare(source, targetOf(target))).toEqual([])
  })
})
