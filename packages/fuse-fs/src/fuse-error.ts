// SPDX-License-Identifier: Apache-2.0
/** Failures of mounting and of talking to the kernel. */
import { NydusError } from '@nydus/base/error'

/** ERR_FUSE_BINDING_MISSING, _MOUNT_FAILED, _UNMOUNT_BUSY, _PERMISSION or _PROTOCOL. */
export class FuseError extends NydusError {
  override readonly name = 'FuseError'
}
