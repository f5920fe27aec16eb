// SPDX-License-Identifier: Apache-2.0
import { NydusError } from '@nydus/base/error'

/** ERR_BLOB_NOT_FOUND or ERR_BLOB_READ. */
export class BlobStoreError extends NydusError {
  override readonly name = 'BlobStoreError'
}
