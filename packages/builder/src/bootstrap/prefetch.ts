// SPDX-License-Identifier: Apache-2.0
/** Prefetch patterns: absolute paths whose data a mount fetches ahead. */

import { byteNameOfText } from '../tree/byte-name.ts'
import { lookupNode } from '../tree/hard-links.ts'
import { type ByteName, isRegular, type Node } from '../tree/node.ts'

/**
 * The nodes that `patterns` name, in their order. Patterns that are not absolute, name nothing or name something empty
 * are left out, and so is a pattern below an earlier one.
 * @param patterns paths such as `/usr/bin`; `/` is the whole file system.
 */
export function resolvePrefetch(root: Node, patterns: readonly string[]): readonly Node[] {
  const nodes: Node[] = []
  for (const path of patternPaths(patterns)) {
    const node = lookupNode(root, path)
    if (node !== undefined && (!isRegular(node) || node.size > 0)) nodes.push(node)
  }
  return nodes
}

/** The components of the patterns that count, in their order. */
export function patternPaths(patterns: readonly string[]): readonly (readonly ByteName[])[] {
  const accepted = new Set<string>()
  const paths: (readonly ByteName[])[] = []
  for (const pattern of patterns) {
    const path = splitPattern(pattern)
    if (path === undefined || isCovered(path, accepted)) continue
    accepted.add(path.join('/'))
    paths.push(path)
  }
  return paths
}

function splitPattern(pattern: string): readonly ByteName[] | undefined {
  const text = byteNameOfText(pattern.trim())
  if (!text.startsWith('/')) return undefined
  return text.split('/').filter((part) => part !== '' && part !== '.')
}

/** Tells whether `path` or a directory above it was accepted earlier. */
function isCovered(path: readonly ByteName[], accepted: ReadonlySet<string>): boolean {
  for (let depth = 0; depth <= path.length; depth++) {
    if (accepted.has(path.slice(0, depth).join('/'))) return true
  }
  return false
}
