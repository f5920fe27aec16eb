// SPDX-License-Identifier: Apache-2.0
/** Layers put on top of each other: removals first, then what the layer brings. */
import { NydusError } from '@nydus/base/error'
import { type ByteText, displayPath } from '../byte-path.ts'
import type { LayerChanges, LowerLink } from './layer-changes.ts'
import { putNode } from './put-node.ts'
import { nodeAt, type SourceNode } from './source-node.ts'

/**
 * Applies one layer to `root`, the tree of all layers below it.
 * @throws {NydusError} ERR_BUILD_UNSUPPORTED_ENTRY for a hard link to nothing.
 */
export function applyChanges(root: SourceNode, changes: LayerChanges): void {
  const links = changes.lowerLinks.map((link) => ({ link, node: nodeAt(root, link.target) }))
  for (const path of changes.opaque) nodeAt(root, path)?.children?.clear()
  for (const path of changes.removed)
    nodeAt(root, path.slice(0, -1))?.children?.delete(path.at(-1) as ByteText)
  overlay(root, changes.root)
  for (const { link, node } of links) linkTo(root, link, node)
}

/** Lays the directory `upper` over the directory `lower`, which is changed. */
function overlay(lower: SourceNode, upper: SourceNode): void {
  if (!upper.implied) Object.assign(lower, upper, { children: lower.children })
  for (const [name, node] of upper.children ?? []) {
    const existing = lower.children?.get(name)
    if (existing?.children !== undefined && node.children !== undefined) overlay(existing, node)
    else lower.children?.set(name, node)
  }
}

function linkTo(root: SourceNode, link: LowerLink, node: SourceNode | undefined): void {
  if (node === undefined || node.children !== undefined) {
    const message = `${displayPath(link.path)} is a hard link to ${displayPath(link.target)}, which no layer has`
    throw new NydusError('ERR_BUILD_UNSUPPORTED_ENTRY', message)
  }
  putNode(root, link.path, node)
}
