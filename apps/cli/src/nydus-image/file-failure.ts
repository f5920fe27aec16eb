// SPDX-License-Identifier: Apache-2.0
/** Failures of the local file system as coded errors. */
import { type ErrorCode, NydusError } from '@nydus/base/error'

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EROFS: 'read-only file system',
}

/**
 * The coded error for a failed operation on a local file; what is no failure of the file system is returned as it is.
 * @param action what was tried: `open`, `write blob file`.
 */
export function fileFailure(error: unknown, action: string, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (!(error instanceof Error) || typeof code !== 'string' || !('syscall' in error)) return error
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  const words = isFull ? 'no space left' : (WORDS[code] ?? error.message)
  return new NydusError(isFull ? 'ERR_NO_SPACE' : 'ERR_BUILD_IO', `cannot ${action} ${path}: ${words}`, {
    details: { path, code },
    ...(WORDS[code] === undefined && !isFull ? { cause: error } : {}),
  })
}

/** An error of the caller that shows only after parsing: status 1, where the parser's own errors have 2. */
export function refused(message: string, hint?: string, code: ErrorCode = 'ERR_USAGE'): NydusError {
  return new NydusError(code, message, hint === undefined ? {} : { hint })
}
