// SPDX-License-Identifier: Apache-2.0
import { NydusError } from '@nydus/base/error'

/** ERR_CONFIG_INVALID, ERR_USAGE and what else the daemon raises itself. */
export class DaemonError extends NydusError {
  override readonly name = 'DaemonError'
}
