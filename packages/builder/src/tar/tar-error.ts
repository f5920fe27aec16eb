// SPDX-License-Identifier: Apache-2.0
import { BuildError } from '../build-error.ts'

/** ERR_BUILD_BAD_TAR with the place: `message at 0x200`. */
export function badTar(message: string, offset: number, details: Record<string, unknown> = {}): BuildError {
  return new BuildError('ERR_BUILD_BAD_TAR', `${message} at 0x${offset.toString(16)} of the tar`, {
    details: { offset, ...details },
  })
}

/** ERR_BUILD_TOO_LARGE: `what` has `size` where at most `limit` is allowed. */
export function tooLarge(what: string, size: number, limit: number, offset: number): BuildError {
  const message = `${what} of ${size} bytes, at most ${limit} are allowed, at 0x${offset.toString(16)} of the tar`
  return new BuildError('ERR_BUILD_TOO_LARGE', message, { details: { what, size, limit, offset } })
}

/** ERR_BUILD_UNSUPPORTED_ENTRY with the place. */
export function unsupportedEntry(
  message: string,
  offset: number,
  details: Record<string, unknown> = {},
): BuildError {
  return new BuildError('ERR_BUILD_UNSUPPORTED_ENTRY', `${message} at 0x${offset.toString(16)} of the tar`, {
    details: { offset, ...details },
  })
}
