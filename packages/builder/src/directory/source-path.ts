// SPDX-License-Identifier: Apache-2.0
/** Paths of a source directory as raw bytes, and what goes wrong on them. */
import { isNydusError } from '@nydus/base/error'
import { BuildError } from '../build-error.ts'

const SLASH = Buffer.from('/')

/** The path of `name` in `directory`. */
export function joinPath(directory: Uint8Array, name: Uint8Array): Buffer {
  return Buffer.concat([directory, SLASH, name])
}

/** Runs a call of the operating system on `path`. @throws {BuildError} ERR_BUILD_IO with the path. */
export function onPath<T>(path: Uint8Array, what: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw pathError(path, what, cause)
  }
}

/** What the system says about `path` with a code; errors that have one stay as they are. */
export function pathError(path: Uint8Array, what: string, cause: unknown): unknown {
  if (isNydusError(cause)) return cause
  const text = pathText(path)
  const vanished = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  const message = vanished ? `${text} vanished while the directory was read` : `${text}: ${what} failed`
  return new BuildError('ERR_BUILD_IO', message, { details: { path: text }, cause })
}

/** The error for a file that is not what it was. */
export function changedFile(path: Uint8Array, how: string): BuildError {
  const text = pathText(path)
  return new BuildError('ERR_BUILD_IO', `${text} changed while it was read: ${how}`, {
    details: { path: text },
    hint: 'build from a directory that nobody writes to, such as a snapshot',
  })
}

/** For messages. */
export function pathText(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString()
}
