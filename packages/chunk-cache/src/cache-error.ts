// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, NydusError } from '@nydus/base/error'

/** What the cache itself raises: its files, its state, its life cycle. */
export class CacheError extends NydusError {
  override readonly name = 'CacheError'
}

/** Turns a failed file operation into ERR_CACHE_NO_SPACE or ERR_CACHE_IO, with the path. */
export function cacheFailure(action: string, path: string, cause: unknown): CacheError {
  const system = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  const full = system === 'ENOSPC' || system === 'EDQUOT' || system === 'EFBIG'
  const code: ErrorCode = full ? 'ERR_CACHE_NO_SPACE' : 'ERR_CACHE_IO'
  const options = { cause, details: { path, system } }
  return full
    ? new CacheError(code, `no space to ${action} ${path}`, {
        ...options,
        hint: 'free space in the cache directory',
      })
    : new CacheError(code, `cannot ${action} ${path} (${system})`, options)
}
