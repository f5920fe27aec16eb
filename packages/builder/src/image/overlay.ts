// SPDX-License-Identifier: Apache-2.0
/** Puts one layer's tree on top of the tree of the layers below. */
import { FILE_TYPE } from '@nydus/rafs-format'
import type { WhiteoutSpec } from '../layer/build-options.ts'
import type { ByteName, Node } from '../tree/node.ts'
import { dropOpaqueMark, whiteoutOfEntry } from './whiteout.ts'

/**
 * What an upper directory that looks implied (0755, owner 0:0, mtime 0, no xattrs: what a layer gets for parents that
 * have no entry of their own) does to a lower directory:
 * 'keep-lower' leaves mode, owner, mtime and xattrs as they were, which is how layers are unpacked;
 * 'replace' overwrites them, as the original `merge` does.
 */
export type ImpliedDirectories = 'keep-lower' | 'replace'

/**
 * Applies `upper` to `lower`: whiteouts remove what `lower` has, then each entry of `upper` replaces the one of the
 * same name; a directory on a directory takes over its children. Whiteouts themselves never reach the result.
 * @param spec how `upper` writes whiteouts.
 * @returns the merged root. Both trees are used up: their nodes become the result's.
 */
export function overlay(
  lower: Node | undefined,
  upper: Node,
  implied: ImpliedDirectories = 'keep-lower',
  spec: WhiteoutSpec = 'oci',
): Node {
  const pending = [takeOver(upper, lower, implied)]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { merged, entries } = next
    const whiteouts = applyWhiteouts(merged, entries, spec)
    for (const [name, node] of entries) {
      if (whiteouts.has(name)) continue
      if (node.children !== undefined) pending.push(takeOver(node, merged.get(name), implied))
      merged.set(name, node)
    }
  }
  return upper
}

interface Level {
  /** Children of the merged directory, so far only those from below. */
  readonly merged: Map<ByteName, Node>
  /** Children that the upper layer has. */
  readonly entries: ReadonlyMap<ByteName, Node>
}

/** Gives the upper directory the children of the lower one, if that is a directory. */
function takeOver(upper: Node, lower: Node | undefined, implied: ImpliedDirectories): Level {
  const entries = upper.children ?? new Map<ByteName, Node>()
  const merged = lower?.children ?? new Map<ByteName, Node>()
  if (lower?.children !== undefined && implied === 'keep-lower' && looksImplied(upper)) {
    const { mode, uid, gid, mtime, mtimeNsec, xattrs } = lower
    Object.assign(upper, { mode, uid, gid, mtime, mtimeNsec, xattrs })
  }
  upper.children = merged
  return { merged, entries }
}

function looksImplied({ mode, uid, gid, mtime, xattrs }: Node): boolean {
  return (
    mode === (FILE_TYPE.DIRECTORY | 0o755) && uid === 0 && gid === 0 && mtime === 0 && xattrs.length === 0
  )
}

/** @returns the names of entries that are whiteouts and nothing else. */
function applyWhiteouts(
  merged: Map<ByteName, Node>,
  entries: ReadonlyMap<ByteName, Node>,
  spec: WhiteoutSpec,
): ReadonlySet<ByteName> {
  const whiteouts = new Set<ByteName>()
  for (const [name, node] of entries) {
    const whiteout = whiteoutOfEntry(name, node, spec)
    if (whiteout.kind === 'none') continue
    if (whiteout.kind === 'opaque-entry') {
      merged.get(name)?.children?.clear()
      dropOpaqueMark(node)
      continue
    }
    whiteouts.add(name)
    if (whiteout.kind === 'opaque') merged.clear()
    else merged.delete(whiteout.name)
  }
  return whiteouts
}
