// SPDX-License-Identifier: Apache-2.0
/** Where in the file system the images of a daemon are mounted: directories below its mountpoint. */
import { mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MountRefusal } from './mount-refusal.ts'

/** The directories of one daemon. */
export interface MountPlaces {
  /**
   * The directory for an image, made if it is missing.
   * @param path a normal path, `/` for the mountpoint itself.
   * @throws {MountRefusal} `path` when there can be no directory.
   */
  take(path: string): Promise<string>
  /** Takes away the directories that `take` has made and that are empty. */
  release(path: string): Promise<void>
}

/** @param root the daemon's mountpoint: a tree of its own, a plain directory, or an image that has the directories. */
export function createMountPlaces(root: string): MountPlaces {
  const made = new Set<string>()

  async function makeDirectory(path: string): Promise<void> {
    if (path === '/') return
    await makeDirectory(dirname(path))
    const directory = join(root, path)
    try {
      await mkdir(directory, 0o755)
      made.add(path)
    } catch (cause) {
      const found = await stat(directory).catch(() => undefined)
      if (found?.isDirectory() === true) return
      throw new MountRefusal('path', `directory ${directory} cannot be made`, cause)
    }
  }

  return {
    async take(path) {
      await makeDirectory(path)
      return path === '/' ? root : join(root, path)
    },
    async release(path) {
      for (let at = path; made.has(at); at = dirname(at)) {
        try {
          await rmdir(join(root, at))
        } catch {
          // Another image is mounted below.
          return
        }
        made.delete(at)
      }
    },
  }
}
