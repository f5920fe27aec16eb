// SPDX-License-Identifier: Apache-2.0
import { NydusError } from '@nydus/base/error'

/** The error for a command line that cannot be honoured. @param hint what to write instead. */
export function usage(message: string, hint?: string): NydusError {
  return new NydusError('ERR_USAGE', message, hint === undefined ? {} : { hint })
}
