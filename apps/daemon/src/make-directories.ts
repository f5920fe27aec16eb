// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a directory and those above it. Not with `recursive`, which never returns for a directory that cannot be made
 * because its file system says ENOENT, as /proc does.
 * @throws {Error} of the system, for the topmost directory that cannot be made.
 */
export async function makeDirectories(path: string): Promise<void> {
  const failure = await tryMake(path)
  if (failure === undefined) return
  if (failure.code !== 'ENOENT' || dirname(path) === path) throw failure
  await makeDirectories(dirname(path))
  const again = await tryMake(path)
  if (again !== undefined) throw again
}

/** Undefined when it is there. */
async function tryMake(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path)
    return undefined
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    return failure.code === 'EEXIST' ? undefined : failure
  }
}
