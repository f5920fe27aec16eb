// SPDX-License-Identifier: Apache-2.0
/** A failure as one line with its code, and its exit status. */
import { describeError, exitStatusOf, isNydusError, redact } from '@nydus/base/error'
import type { ProcessContext } from './context.ts'
import { UsageError } from './usage-error.ts'

/** Tells what went wrong. @returns the exit status: 2 for a command line that does not fit, 130 when interrupted, else 1. */
export function reportFailure(error: unknown, { stderr, signal }: ProcessContext): number {
  const coded = signal.aborted && !isNydusError(error) ? signal.reason : error
  if (!isNydusError(coded)) {
    stderr.write(`Error: internal error: ${oneLine(describeError(coded))}\n`)
    stderr.write('hint: this is a fault of the program; please report it\n')
    if (coded instanceof Error && process.env.NYDUS_STACK !== undefined) stderr.write(`${coded.stack}\n`)
    return 1
  }
  const isUsage = coded instanceof UsageError
  stderr.write(`${isUsage ? 'error' : 'Error'}: ${oneLine(describeError(coded))} (${coded.code})\n`)
  if (coded.hint !== undefined) stderr.write(`hint: ${oneLine(coded.hint)}\n`)
  if (isNydusError(coded, 'ERR_INTERRUPTED')) return exitStatusOf(coded)
  return isUsage ? 2 : 1
}

function oneLine(text: string): string {
  return redact(text).replace(/\s*\n\s*/g, ' ')
}
