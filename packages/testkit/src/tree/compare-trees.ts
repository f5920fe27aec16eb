// SPDX-License-Identifier: Apache-2.0
/** Compares two scanned trees, attribute by attribute. */
import type { ScannedFile } from './scan-tree.ts'

/** What is compared and how much is told. */
export interface CompareOptions {
  /** Attributes that are left out. */
  readonly ignore?: readonly (keyof ScannedFile)[]
  /** Differences that are described; the rest is only counted. Default 20. */
  readonly limit?: number
}

/** How two trees compare. */
export interface TreeComparison {
  /** Paths that were looked at, of either tree. */
  readonly compared: number
  /** All differences, described or not. */
  readonly total: number
  /** The first `limit` differences, one line each. */
  readonly differences: readonly string[]
}

type Tree = ReadonlyMap<string, ScannedFile>

/** Compares `found` with `expected`. The same trees have a `total` of 0. */
export function compareTrees(expected: Tree, found: Tree, options: CompareOptions = {}): TreeComparison {
  const { ignore = [], limit = 20 } = options
  const differences: string[] = []
  let total = 0
  const tell = (line: string) => {
    total += 1
    if (differences.length < limit) differences.push(line)
  }
  for (const [path, file] of expected) {
    const other = found.get(path)
    if (other === undefined) tell(`${shown(path)}: missing`)
    else for (const line of compareFile(file, other, ignore)) tell(line)
  }
  let extra = 0
  for (const path of found.keys()) {
    if (expected.has(path)) continue
    extra += 1
    tell(`${shown(path)}: not expected`)
  }
  return { compared: expected.size + extra, total, differences }
}

function* compareFile(
  expected: ScannedFile,
  found: ScannedFile,
  ignore: readonly (keyof ScannedFile)[],
): Generator<string> {
  const members = new Set([...Object.keys(expected), ...Object.keys(found)]) as Set<keyof ScannedFile>
  for (const member of members) {
    if (ignore.includes(member)) continue
    const [left, right] = [text(member, expected[member]), text(member, found[member])]
    if (left !== right) yield `${shown(expected.path)}: ${member} is ${right}, expected ${left}`
  }
}

function text(member: keyof ScannedFile, value: unknown): string {
  if (member === 'mode' && typeof value === 'number') return `0${value.toString(8)}`
  return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'absent')
}

function shown(path: string): string {
  return path === '' ? '/' : JSON.stringify(path).slice(1, -1)
}
