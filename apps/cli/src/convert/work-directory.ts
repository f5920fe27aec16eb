// SPDX-License-Identifier: Apache-2.0
/** The directory of a conversion's temporary files: gone on every way out of the process but kill -9. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { NydusError } from '@nydus/base/error'
import { makeDirectories, removeDirectories } from '@nydus/registry-client'

/** A directory of its own inside the user's work directory. */
export interface WorkDirectory {
  /** Absolute path; only the owner may look inside. */
  readonly path: string
  /** Removes it, and the parents that `openWorkDirectory` had to make. May be called twice. */
  close(): void
}

/**
 * Makes a fresh directory inside `parent`, which is made too if it is missing.
 * It is also removed when the process exits without `close()`.
 * @param keepParent leave `parent` there even if it had to be made.
 * @throws {NydusError} ERR_BUILD_IO or ERR_NO_SPACE when it cannot be made.
 */
export function openWorkDirectory(parent: string, keepParent = false): WorkDirectory {
  const base = resolve(parent)
  let made: readonly string[] = []
  try {
    made = makeDirectories(base)
    const path = mkdtempSync(join(base, 'nydus-'))
    const remove = () => {
      rmSync(path, { recursive: true, force: true })
      if (!keepParent) removeDirectories(made)
    }
    process.once('exit', remove)
    return {
      path,
      close() {
        process.off('exit', remove)
        remove()
      },
    }
  } catch (error) {
    removeDirectories(made)
    throw localFailure(error, `work directory ${base}`, 'give another place with --work-dir')
  }
}

/** The coded error for a failed operation on a local file. @param hint for other reasons than a full disk. */
export function localFailure(error: unknown, what: string, hint?: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new NydusError('ERR_NO_SPACE', `${what}: no space left`, {
      hint: 'free some space, or give another place with --work-dir',
    })
  }
  if (error instanceof Error && typeof code === 'string' && 'syscall' in error) {
    return new NydusError('ERR_BUILD_IO', `${what}: ${error.message}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  return error
}
