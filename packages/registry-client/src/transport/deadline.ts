// SPDX-License-Identifier: Apache-2.0
/** Waiting that ends: signals joined with deadlines, and sleeps that a signal ends. */
import { RegistryError } from '../errors.ts'

/**
 * Runs `work` with a signal that follows `signal` and fires after `deadlineMs` with an ERR_REGISTRY_TIMEOUT as its reason.
 * @param what subject of the error message, e.g. `GET https://…`.
 */
export async function withDeadline<T>(
  deadlineMs: number,
  signal: AbortSignal | undefined,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const follow = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', follow, { once: true })
  const timer = setTimeout(() => controller.abort(timeoutError(what, deadlineMs)), deadlineMs)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', follow)
  }
}

/** Waits for shared work without owning it: `signal` ends the wait, not the work. */
export async function waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  signal.throwIfAborted()
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Sleeps `ms` milliseconds, or throws the signal's reason. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** The error of a call that took too long. */
export function timeoutError(what: string, deadlineMs: number): RegistryError {
  return new RegistryError('ERR_REGISTRY_TIMEOUT', `${what}: no answer within ${deadlineMs} ms`, {
    retryable: true,
    details: { deadlineMs },
  })
}
