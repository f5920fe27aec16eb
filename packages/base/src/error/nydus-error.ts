// SPDX-License-Identifier: Apache-2.0
/** The one error base of all packages: a closed `code`, typed details, and a brand that survives duplicate installs. */

const BRAND = Symbol.for('nydus.error')

/** Every code that any Nydus package can raise. `docs/errors.md` lists them with their exit status. */
export type ErrorCode =
  | 'ERR_FORMAT_TRUNCATED'
  | 'ERR_FORMAT_BAD_MAGIC'
  | 'ERR_FORMAT_OUT_OF_RANGE'
  | 'ERR_FORMAT_MISALIGNED'
  | 'ERR_FORMAT_CHECKSUM_MISMATCH'
  | 'ERR_FORMAT_CORRUPT'
  | 'ERR_FORMAT_UNSUPPORTED_VERSION'
  | 'ERR_FORMAT_UNSUPPORTED_FEATURE'
  | 'ERR_FORMAT_UNSUPPORTED_COMPRESSION'
  | 'ERR_FORMAT_U64_OVERFLOW'
  | 'ERR_DIGEST_INVALID'
  | 'ERR_DIGEST_MISMATCH'
  | 'ERR_SIZE_MISMATCH'
  | 'ERR_DECOMPRESS_FAILED'
  | 'ERR_DECOMPRESS_TOO_LARGE'
  | 'ERR_REFERENCE_INVALID'
  | 'ERR_REGISTRY_UNAUTHORIZED'
  | 'ERR_REGISTRY_DENIED'
  | 'ERR_REGISTRY_NOT_FOUND'
  | 'ERR_REGISTRY_RANGE_UNSUPPORTED'
  | 'ERR_REGISTRY_BAD_RESPONSE'
  | 'ERR_REGISTRY_UPLOAD_REJECTED'
  | 'ERR_CREDENTIALS_HELPER'
  | 'ERR_REGISTRY_RATE_LIMITED'
  | 'ERR_REGISTRY_UNAVAILABLE'
  | 'ERR_REGISTRY_TIMEOUT'
  | 'ERR_REGISTRY_CONNECTION'
  | 'ERR_BLOB_NOT_FOUND'
  | 'ERR_BLOB_READ'
  | 'ERR_CACHE_IO'
  | 'ERR_CACHE_NO_SPACE'
  | 'ERR_CACHE_LOCKED'
  | 'ERR_CACHE_STATE_CORRUPT'
  | 'ERR_CACHE_SHORT_READ'
  | 'ERR_CACHE_CLOSED'
  | 'ERR_BUILD_BAD_TAR'
  | 'ERR_BUILD_PATH_ESCAPE'
  | 'ERR_BUILD_UNSUPPORTED_ENTRY'
  | 'ERR_BUILD_DUPLICATE_ENTRY'
  | 'ERR_BUILD_TOO_LARGE'
  | 'ERR_BUILD_DICT_MISMATCH'
  | 'ERR_BUILD_LAYER_MISMATCH'
  | 'ERR_BUILD_OPTION_CONFLICT'
  | 'ERR_BUILD_IO'
  | 'ERR_FUSE_BINDING_MISSING'
  | 'ERR_FUSE_MOUNT_FAILED'
  | 'ERR_FUSE_UNMOUNT_BUSY'
  | 'ERR_FUSE_PERMISSION'
  | 'ERR_FUSE_PROTOCOL'
  | 'ERR_IMAGE_NOT_AN_IMAGE'
  | 'ERR_IMAGE_IS_NYDUS'
  | 'ERR_IMAGE_NOT_NYDUS'
  | 'ERR_IMAGE_PLATFORM'
  | 'ERR_CONFIG_INVALID'
  | 'ERR_USAGE'
  | 'ERR_INTERRUPTED'
  | 'ERR_NO_SPACE'

/** What a `NydusError` is made of besides its message. */
export interface NydusErrorOptions {
  /** Facts for machines: offsets, sizes, paths, expected and found values. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>
  /** The error below this one. */
  readonly cause?: unknown
  /** True if the same call may succeed later without any change. */
  readonly retryable?: boolean
  /** One sentence that tells a person what to do next. */
  readonly hint?: string
}

/** Base of all errors that Nydus packages raise on purpose. Match on `code`, not on the class or the message. */
export class NydusError extends Error {
  override readonly name: string = 'NydusError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  readonly retryable: boolean
  readonly hint: string | undefined

  /** @param message lower-case, no full stop, contains the values (offsets in hex, expected and found). */
  constructor(code: ErrorCode, message: string, options: NydusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    this.retryable = options.retryable ?? false
    this.hint = options.hint
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** Bytes on disk or on the wire that are not what the format says. */
export class FormatError extends NydusError {
  override readonly name = 'FormatError'
}

/** Content that does not match its digest, its size or its compression. */
export class DigestError extends NydusError {
  override readonly name = 'DigestError'
}

/** Tells whether `error` was raised by a Nydus package (any copy of it), optionally with one of `codes`. */
export function isNydusError(error: unknown, ...codes: readonly ErrorCode[]): error is NydusError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return codes.length === 0 || codes.includes((error as unknown as NydusError).code)
}

/** Deeper causes say nothing new. */
const MAX_CAUSES = 16

/** One line for a person: message, then the causes that add something, credentials removed by the thrower. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  let current: unknown = error
  // A cause may lead back to an earlier error.
  for (let depth = 0; current instanceof Error && depth < MAX_CAUSES; depth++) {
    const text = current.message || current.name
    if (!parts.some((part) => part.includes(text))) parts.push(text)
    current = current.cause
  }
  return parts.length > 0 ? parts.join(': ') : String(error)
}
