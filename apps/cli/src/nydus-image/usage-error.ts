// SPDX-License-Identifier: Apache-2.0
/** A command line that does not fit the command: exit status 2. */
import { NydusError } from '@nydus/base/error'

/** Raised while the command line is read; later faults of the caller are ERR_USAGE with status 1, as in the original. */
export class UsageError extends NydusError {
  override readonly name = 'UsageError'

  /** @param message begins like the original's. */
  constructor(message: string, hint: string) {
    super('ERR_USAGE', message, { hint })
  }
}
