// SPDX-License-Identifier: Apache-2.0
import { DaemonError } from './daemon-error.ts'

/**
 * Why the table of mounts does not do what it was asked. `exists`, `missing`: there is, or is not, a mount; `path`: no
 * place inside the mount; `type`: no such file system; `config`, `bootstrap`, `device`: what is wrong with the image.
 */
export type RefusalReason =
  | 'exists'
  | 'missing'
  | 'path'
  | 'type'
  | 'config'
  | 'bootstrap'
  | 'device'
  | 'passthrough'

/** A mount, remount or unmount that was not done. */
export class MountRefusal extends DaemonError {
  readonly reason: RefusalReason

  /** @param message for people; the API passes it on. */
  constructor(reason: RefusalReason, message: string, cause?: unknown) {
    super('ERR_USAGE', message, { details: { reason }, ...(cause === undefined ? {} : { cause }) })
    this.reason = reason
  }
}
