// SPDX-License-Identifier: Apache-2.0
/** Failed requests of a mount as lines: a program that reads again and again must not flood the screen. */
import { getSystemErrorName } from 'node:util'
import { redact } from '@nydus/base/error'
import type { ImageEvent } from '@nydus/daemon'
import type { Log } from './log.ts'

/** A request that was answered with an error. */
export type FailureEvent = ImageEvent & { readonly kind: 'failure' }

/** Writes failures, the first few of each period, and how many were left out. */
export interface FailureLines {
  add(event: FailureEvent): void
  /** Says how many were left out last. May be called twice. */
  close(): void
}

const LINES_A_PERIOD = 5
const PERIOD_MS = 10_000

/** @param now milliseconds of a clock that only goes forward. */
export function createFailureLines(log: Log, now: () => number = () => performance.now()): FailureLines {
  let periodStart = Number.NEGATIVE_INFINITY
  let written = 0
  let omitted = 0
  const sayOmitted = () => {
    if (omitted > 0) log.error(`${omitted} more requests failed`)
    omitted = 0
  }
  return {
    add(event) {
      if (now() - periodStart >= PERIOD_MS) {
        sayOmitted()
        periodStart = now()
        written = 0
      }
      if (written < LINES_A_PERIOD) log.error(lineOf(event))
      else omitted += 1
      written += 1
    },
    close: sayOmitted,
  }
}

function lineOf({ operation, nid, errno, message }: FailureEvent): string {
  return `${operation} of inode ${nid} failed with ${getSystemErrorName(-errno)}: ${redact(message).replace(/\s*\n\s*/g, ' ')}`
}
