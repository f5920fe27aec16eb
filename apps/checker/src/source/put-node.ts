// SPDX-License-Identifier: Apache-2.0
/** The one way a node gets its place in a source tree. */
import { NydusError } from '@nydus/base/error'
import { type ByteText, displayPath } from '../byte-path.ts'
import { impliedDirectory, type SourceNode } from './source-node.ts'

/**
 * Puts `node` at `path`, making parents that are missing. A directory that was there keeps its children, and the root
 * only changes its attributes.
 * @throws {NydusError} ERR_BUILD_PATH_ESCAPE when a parent is no directory.
 */
export function putNode(root: SourceNode, path: readonly ByteText[], node: SourceNode): void {
  const name = path.at(-1)
  if (name === undefined) {
    if (node.children !== undefined) Object.assign(root, node, { children: root.children })
    return
  }
  let directory = root
  for (const [depth, component] of path.slice(0, -1).entries()) {
    let next = directory.children?.get(component)
    if (next === undefined) {
      next = impliedDirectory()
      directory.children?.set(component, next)
    }
    if (next.children === undefined) throw belowNonDirectory(path, depth)
    directory = next
  }
  const existing = directory.children?.get(name)
  if (existing?.children !== undefined && node.children !== undefined) node.children = existing.children
  directory.children?.set(name, node)
}

function belowNonDirectory(path: readonly ByteText[], depth: number): NydusError {
  const parent = displayPath(path.slice(0, depth + 1))
  return new NydusError(
    'ERR_BUILD_PATH_ESCAPE',
    `${displayPath(path)} lies below ${parent}, which is no directory`,
  )
}
