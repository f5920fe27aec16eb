// SPDX-License-Identifier: Apache-2.0
/** Which errors say that an image is wrong, rather than that it could not be had. */
import { isNydusError, type NydusError } from '@nydus/base/error'

const CONTENT_CODES: ReadonlySet<string> = new Set([
  'ERR_SIZE_MISMATCH',
  'ERR_IMAGE_NOT_AN_IMAGE',
  'ERR_IMAGE_NOT_NYDUS',
  'ERR_REGISTRY_NOT_FOUND',
  'ERR_BLOB_NOT_FOUND',
])

/** True for damaged and for missing content: a finding when the target has it. */
export function isContentError(error: unknown): error is NydusError {
  if (!isNydusError(error)) return false
  return CONTENT_CODES.has(error.code) || /^ERR_(FORMAT|DIGEST|DECOMPRESS|BUILD)_/.test(error.code)
}
