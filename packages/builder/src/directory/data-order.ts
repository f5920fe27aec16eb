// SPDX-License-Identifier: Apache-2.0
/** In which order the files of a tree are stored: what is fetched ahead comes first. */
import type { EntryNumbers } from '../bootstrap/number-entries.ts'
import { patternPaths } from '../bootstrap/prefetch.ts'
import { isRegular, type Node } from '../tree/node.ts'
import { PENDING_DATA } from './scan-directory.ts'

/** Files to store. */
export interface DataOrder {
  /** Entry numbers; a file with several names comes once. */
  readonly numbers: readonly number[]
  /** How many of them belong to a prefetch pattern. */
  readonly prefetchCount: number
}

/** A prefetch pattern, and what else leads on from its components. */
interface PatternNode {
  /** Position of the pattern that ends here. */
  index: number | undefined
  readonly next: Map<string, PatternNode>
}

/**
 * Orders the files whose data is pending: those of each prefetch pattern in turn, then the others, always in the order of
 * entry numbers. A file belongs to the pattern that names it, or else the nearest directory above it.
 * @param linked files that may come several times.
 */
export function orderFiles(
  entries: EntryNumbers,
  patterns: readonly string[],
  linked: ReadonlySet<Node>,
): DataOrder {
  const matched: number[][] = []
  const others: number[] = []
  const patternOf = matchPatterns(entries, patterns)
  for (const [number, node] of entries.nodes.entries()) {
    if (!isRegular(node) || node.chunkStart !== PENDING_DATA || node.size === 0) continue
    const pattern = patternOf(number)
    if (pattern === undefined) others.push(number)
    else {
      matched[pattern] ??= []
      matched[pattern].push(number)
    }
  }
  const seen = new Set<Node>()
  const isFirst = (number: number) => {
    const node = entries.nodes[number] as Node
    if (!linked.has(node)) return true
    const first = !seen.has(node)
    seen.add(node)
    return first
  }
  const prefetched = matched.flat().filter(isFirst)
  return { numbers: prefetched.concat(others.filter(isFirst)), prefetchCount: prefetched.length }
}

/** @returns the position of the pattern that an entry belongs to; the entries must be asked for in their order. */
function matchPatterns(
  entries: EntryNumbers,
  patterns: readonly string[],
): (number: number) => number | undefined {
  const paths = patternPaths(patterns)
  if (paths.length === 0) return () => undefined
  const root: PatternNode = { index: undefined, next: new Map() }
  for (const [index, path] of paths.entries()) {
    let node = root
    for (const part of path) {
      const next = node.next.get(part) ?? { index: undefined, next: new Map() }
      node.next.set(part, next)
      node = next
    }
    node.index = index
  }
  const matches = new Array<number | undefined>(entries.nodes.length)
  const leads = new Map<number, PatternNode>([[0, root]])
  matches[0] = root.index
  for (const { number, firstChild, childCount } of entries.directories) {
    const lead = leads.get(number)
    for (let child = firstChild; child < firstChild + childCount; child++) {
      const next = lead?.next.get(entries.names[child] as string)
      matches[child] = next?.index ?? matches[number]
      if (next !== undefined) leads.set(child, next)
    }
  }
  return (number) => matches[number]
}
