// SPDX-License-Identifier: Apache-2.0
/** Further attempts after failures that may pass, with growing pauses. */
import { isNydusError } from '@nydus/base/error'
import { sleep } from './deadline.ts'

/** How often and how patiently. */
export interface RetryPolicy {
  /** Further attempts after the first, ≥ 0. */
  readonly retries: number
  /** Longest pause before the second attempt, milliseconds; doubles with each attempt. */
  readonly firstPauseMs: number
  /** No computed pause is longer. */
  readonly maxPauseMs: number
}

/** The pauses are short: the reader behind a lazily loaded file waits for them. */
export const DEFAULT_RETRY_POLICY = {
  retries: 3,
  firstPauseMs: 200,
  maxPauseMs: 5_000,
} as const satisfies RetryPolicy

/** A `Retry-After` beyond this is not waited for: the error says so instead. */
const MAX_RETRY_AFTER_MS = 60_000

/** Runs `attempt` until it succeeds, fails for good, or the attempts are used up. The last error is thrown. */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 0; ; number++) {
    try {
      return await attempt(number)
    } catch (error) {
      const pause = pauseBefore(policy, number, error)
      if (pause === undefined || signal?.aborted) throw error
      await sleep(pause, signal)
    }
  }
}

/** Milliseconds to wait before attempt `number + 1`, or undefined when there must not be one. */
export function pauseBefore(policy: RetryPolicy, number: number, error: unknown): number | undefined {
  if (number >= policy.retries || !isNydusError(error) || !error.retryable) return undefined
  const asked = error.details.retryAfterMs
  if (typeof asked === 'number') return asked <= MAX_RETRY_AFTER_MS ? asked : undefined
  const longest = Math.min(policy.maxPauseMs, policy.firstPauseMs * 2 ** number)
  // Half fixed, half random: clients that failed together do not come back together.
  return longest / 2 + (Math.random() * longest) / 2
}

/** Milliseconds of a Retry-After header (seconds or a date), or undefined when it is neither. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
