// SPDX-License-Identifier: Apache-2.0
/** Retries of a push: exponential from a first delay, only for errors that say they may pass. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, isNydusError } from '@nydus/base/error'

/** How to retry. */
export interface RetryPolicy {
  /** Retries after the first attempt. */
  readonly count: number
  /** Milliseconds before the first retry, doubled for each further one. */
  readonly delayMs: number
  readonly signal?: AbortSignal
  /** Called before each wait. */
  readonly onRetry?: (message: string) => void
}

const LONGEST_DELAY_MS = 60_000

/** Runs `task` until it succeeds, fails with an error that is not `retryable`, or the retries are used up. */
export async function withRetries<T>(what: string, task: () => Promise<T>, policy: RetryPolicy): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task()
    } catch (error) {
      if (policy.signal?.aborted || attempt >= policy.count || !isNydusError(error) || !error.retryable)
        throw error
      const delayMs = Math.min(policy.delayMs * 2 ** attempt, LONGEST_DELAY_MS)
      policy.onRetry?.(`${what}: ${describeError(error)}; trying again in ${delayMs / 1000} s`)
      await pause(delayMs, policy.signal)
    }
  }
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    throw signal?.aborted ? signal.reason : error
  })
}
