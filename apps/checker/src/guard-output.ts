// SPDX-License-Identifier: Apache-2.0
/** Standard output and error that cannot be written: the work goes on, and its status stays true. */
import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** The status of a result that was lost. */
const EXIT_OUTPUT_FAILED = 5

/** Watches over the streams of a process. */
export interface OutputGuard {
  /** @returns `status`, or the status of a lost result, which is told on the standard error. */
  statusOf(status: number): Promise<number>
}

/**
 * A reader that went away (`nydus check | head`) is no fault; a full disk behind the standard output is. What cannot be
 * written to the standard error is lost.
 * @param name of the program, for the message.
 */
export function guardOutput(name: string, stdout: Writable, stderr: Writable): OutputGuard {
  let fault: NodeJS.ErrnoException | undefined
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') fault ??= error
  })
  stderr.on('error', () => undefined)
  return {
    async statusOf(status) {
      await nextTurn() // errors of the last write come after it
      if (fault === undefined) return status
      stderr.write(`${name}: the standard output cannot be written: ${fault.message}\n`)
      return status === 0 ? EXIT_OUTPUT_FAILED : status
    },
  }
}
