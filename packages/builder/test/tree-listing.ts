// SPDX-License-Identifier: Apache-2.0
/** Trees in the form of the recorded listings, which an independent reader made. */
import { createHash } from 'node:crypto'
import { FILE_TYPE, S_IFMT } from '@nydus/rafs-format'
import { type ReadTarOptions, readTar } from '../src/tar/read-tar.ts'
import { byteName } from '../src/tree/byte-name.ts'
import { createLayerTree } from '../src/tree/layer-tree.ts'
import { type ByteName, type Node, sortedChildren } from '../src/tree/node.ts'
import { stream } from './tar-bytes.ts'

export type Row = Readonly<Record<string, unknown>> & { readonly path: string }

/** A tree and the SHA-256 of its files' contents. */
export interface ListableTree {
  readonly root: Node
  readonly digests: ReadonlyMap<Node, string>
}

/** Reads a whole tar into a tree without chunks. */
export async function treeOfTar(tar: Uint8Array, options: ReadTarOptions = {}): Promise<ListableTree> {
  const tree = createLayerTree()
  const digests = new Map<Node, string>()
  for await (const entry of readTar(stream([tar], 10_000), options)) {
    const hash = createHash('sha256')
    for await (const piece of entry.content) hash.update(piece)
    tree.addEntry(entry, [])
    if (entry.kind !== 'file') continue
    let node: Node | undefined = tree.root
    for (const part of entry.path) node = node?.children?.get(Buffer.from(part).toString('latin1'))
    if (node !== undefined) digests.set(node, hash.digest('hex'))
  }
  tree.finish()
  return { root: tree.root, digests }
}

const TYPES: Readonly<Record<number, string>> = {
  [FILE_TYPE.REGULAR]: 'reg',
  [FILE_TYPE.DIRECTORY]: 'dir',
  [FILE_TYPE.SYMLINK]: 'lnk',
  [FILE_TYPE.CHAR_DEVICE]: 'chr',
  [FILE_TYPE.BLOCK_DEVICE]: 'blk',
  [FILE_TYPE.FIFO]: 'fifo',
}

/** One row a path, ordered by path bytes. */
export function listTree({ root, digests }: ListableTree): Row[] {
  const paths: [string, Node][] = []
  const collect = (node: Node, path: readonly ByteName[]) => {
    paths.push([path.length === 0 ? '.' : path.join('/'), node])
    for (const [name, child] of sortedChildren(node)) collect(child, [...path, name])
  }
  collect(root, [])
  paths.sort(([a], [b]) => (a < b ? -1 : 1))
  const firsts = new Map<Node, string>()
  const links = new Map<Node, number>()
  for (const [path, node] of paths) {
    if (!firsts.has(node)) firsts.set(node, path)
    links.set(node, (links.get(node) ?? 0) + 1)
  }
  return paths.map(([path, node]) =>
    rowOf(path, node, firsts.get(node) ?? path, links.get(node) ?? 1, digests),
  )
}

function rowOf(
  path: string,
  node: Node,
  first: string,
  links: number,
  digests: ReadonlyMap<Node, string>,
): Row {
  const type = TYPES[node.mode & S_IFMT] ?? 'unknown'
  const subdirectories = [...(node.children?.values() ?? [])].filter(
    (child) => child.children !== undefined,
  ).length
  return {
    path,
    type,
    mode: (node.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: node.uid,
    gid: node.gid,
    mtime: node.mtime,
    mtime_ns: node.mtimeNsec,
    nlink: type === 'dir' ? 2 + subdirectories : links,
    ...(type === 'reg' || type === 'lnk' ? { size: node.size } : {}),
    ...(first === path ? {} : { same_inode_as: first }),
    ...(node.symlink === undefined ? {} : { target: byteName(node.symlink) }),
    ...(type === 'chr' || type === 'blk'
      ? { rdev: `${(node.rdev >>> 8) & 0xfff}:${(node.rdev & 0xff) | ((node.rdev >>> 12) & 0xfff00)}` }
      : {}),
    ...(node.xattrs.length === 0 ? {} : { xattrs: xattrsOf(node) }),
    ...(type === 'reg' ? { sha256: digests.get(node) } : {}),
  }
}

function xattrsOf(node: Node): Record<string, string> {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  return Object.fromEntries(
    node.xattrs.map(({ name, value }) => [text(name), Buffer.from(value).toString('base64')]),
  )
}

/** Rows of a recorded listing in the same form: paths and targets with one character per byte, ordered by path. */
export function parseListing(bytes: Uint8Array): Row[] {
  const lines = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((line) => line !== '')
  const rows = lines.map((line) => parseRow(JSON.parse(line) as Record<string, unknown>))
  return rows.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const BYTE_MEMBERS = ['path', 'target', 'same_inode_as']

function parseRow(row: Record<string, unknown>): Row {
  const members = Object.entries(row).map(([key, value]) => {
    const name = key.replace(/_b64$/, '')
    if (!BYTE_MEMBERS.includes(name)) return [key, value]
    return [name, Buffer.from(value as string, name === key ? 'utf8' : 'base64').toString('latin1')]
  })
  return Object.fromEntries(members) as Row
}
