// SPDX-License-Identifier: Apache-2.0
import { NydusError } from '@nydus/base/error'

/** What this package raises: codes `ERR_BUILD_…`. */
export class BuildError extends NydusError {
  override readonly name = 'BuildError'
}
