// SPDX-License-Identifier: Apache-2.0
import type { ByteName } from '../tree/node.ts'

const DOTS: readonly ByteName[] = ['.', '..']

/** The names of a directory's children with `.` and `..` among them, in bytewise order. */
export function dottedNames(names: readonly ByteName[], firstChild: number, childCount: number): ByteName[] {
  const dotted = names.slice(firstChild, firstChild + childCount)
  for (const dot of DOTS) dotted.splice(dotIndex(dotted, dot), 0, dot)
  return dotted
}

/** Where a name goes in a sorted list: only names below `/` come before the dots, and these are few. */
function dotIndex(names: readonly ByteName[], dot: ByteName): number {
  let at = 0
  while (at < names.length && (names[at] as ByteName) < dot) at += 1
  return at
}
