// SPDX-License-Identifier: Apache-2.0
/** Directories that are made when they are missing, and taken away again when nothing came of it. */
import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes `path` and its missing parents. Unlike Node's recursive mkdir this ends where a file system answers ENOENT for a
 * directory that is there, as /proc does. When it fails nothing stays.
 * @returns what was made, outermost first.
 * @throws the error of mkdir(2).
 */
export function makeDirectories(path: string): readonly string[] {
  const missing: string[] = []
  let current = resolve(path)
  while (!isDirectory(current) && dirname(current) !== current) {
    missing.unshift(current)
    current = dirname(current)
  }
  const made: string[] = []
  try {
    for (const directory of missing) if (makeOne(directory)) made.push(directory)
  } catch (error) {
    removeDirectories(made)
    throw error
  }
  return made
}

/** Removes what `makeDirectories` made, as far as it is empty. */
export function removeDirectories(made: readonly string[]): void {
  for (const directory of made.toReversed()) {
    try {
      rmdirSync(directory)
    } catch {
      return // somebody put something there
    }
  }
}

/** False when somebody else was faster. */
function makeOne(directory: string): boolean {
  try {
    mkdirSync(directory)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && isDirectory(directory)) return false
    throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
