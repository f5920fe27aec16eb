// SPDX-License-Identifier: Apache-2.0
/** Takes the paths out of a tree whose data is in blobs of others, and puts them into a tree of their own. */
import { type ByteName, copyMembers, createNode, type Node } from '../tree/node.ts'
import type { AttributeSet, FileAttributes } from './file-attributes.ts'

/** An external file. */
export interface ExternalFile {
  readonly path: ByteName
  readonly node: Node
  readonly attributes: AttributeSet
}

/** The tree of the external bootstrap. */
export interface ExternalTree {
  readonly root: Node
  readonly files: readonly ExternalFile[]
}

/**
 * Splits a tree. External paths leave `root`; directories that lead to some are in both.
 * @returns the tree of external paths: a root alone where there are none.
 */
export function splitExternal(root: Node, attributes: FileAttributes | undefined): ExternalTree {
  const files: ExternalFile[] = []
  const external = emptyCopy(root)
  if (attributes === undefined) return { root: external, files }
  const pending = [{ from: root, to: external, prefix: '', isExternal: false }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, node] of next.from.children ?? []) {
      const path = `${next.prefix}${name}`
      const isExternal = attributes.isExternal(path)
      if (isExternal) next.from.children?.delete(name)
      if (!isExternal && !attributes.leadsToExternal(path)) continue
      const copy = node.children === undefined ? node : emptyCopy(node)
      next.to.children?.set(name, copy)
      if (node.children !== undefined) {
        pending.push({ from: node, to: copy, prefix: `${path}/`, isExternal })
      } else if (isExternal) {
        files.push({ path, node, attributes: attributes.of(path) ?? new Map() })
      }
    }
  }
  return { root: external, files }
}

function emptyCopy(directory: Node): Node {
  const copy = createNode({ mode: directory.mode })
  copyMembers(directory, copy)
  return copy
}
