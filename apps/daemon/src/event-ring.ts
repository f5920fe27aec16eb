// SPDX-License-Identifier: Apache-2.0
/** The last errors, for `GET /api/v1/daemon/events`. */
import { redact } from '@nydus/base/error'

/** As the API shows it. */
export interface EventRecord {
  readonly max_errors: number
  readonly total_errors: number
  /** Bytes. */
  readonly max_size: number
  readonly total_size: number
  /** The oldest first. */
  readonly errors: readonly string[]
}

/** A bounded list of errors. */
export interface EventRing {
  /** Credentials are taken out. */
  add(text: string): void
  record(): EventRecord
}

const MAX_ERRORS = 500
const MAX_BYTES = 51_200

/** An empty ring of 500 errors or 50 KiB, whatever is reached first; the oldest go. */
export function createEventRing(): EventRing {
  const errors: string[] = []
  let size = 0
  return {
    add(text) {
      const line = redact(text)
        .replaceAll('\n', ' ')
        .slice(0, MAX_BYTES >> 4)
      errors.push(line)
      size += Buffer.byteLength(line)
      while (errors.length > MAX_ERRORS || size > MAX_BYTES) size -= Buffer.byteLength(errors.shift() ?? '')
    },
    record: () => ({
      max_errors: MAX_ERRORS,
      total_errors: errors.length,
      max_size: MAX_BYTES,
      total_size: size,
      errors: [...errors],
    }),
  }
}
