// SPDX-License-Identifier: Apache-2.0
/** Listings of real directory trees and how they differ. */
import { join } from 'node:path'
import { must } from './run.ts'

/** One file of a listing, as `scan_tree.py` prints it. */
export type ListedFile = Readonly<Record<string, unknown>> & { readonly path: string; readonly name: string }

/** Lists a directory with an implementation apart from the code under test, in a process of its own. */
export async function scanTree(directory: string): Promise<Map<string, ListedFile>> {
  const { stdout } = await must(['python3', join(import.meta.dirname, 'scan_tree.py'), directory])
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ListedFile)
  return new Map(rows.map((row) => [row.path, row]))
}

/** Differences between two listings, one line each; `ignore` names members that are not compared. */
export function compareTrees(
  expected: ReadonlyMap<string, ListedFile>,
  found: ReadonlyMap<string, ListedFile>,
  ignore: readonly string[] = [],
): string[] {
  const differences: string[] = []
  for (const [path, file] of expected) {
    const other = found.get(path)
    if (other === undefined) differences.push(`${file.name}: missing`)
    else differences.push(...compareFile(file, other, ignore))
  }
  for (const [path, file] of found) {
    if (!expected.has(path)) differences.push(`${file.name}: not in the source`)
  }
  return differences
}

function compareFile(expected: ListedFile, found: ListedFile, ignore: readonly string[]): string[] {
  const members = new Set([...Object.keys(expected), ...Object.keys(found)])
  return [...members]
    .filter((member) => !ignore.includes(member))
    .filter((member) => JSON.stringify(expected[member]) !== JSON.stringify(found[member]))
    .map(
      (member) =>
        `${expected.name}: ${member} is ${JSON.stringify(found[member])}, expected ${JSON.stringify(expected[member])}`,
    )
}
