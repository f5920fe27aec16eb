// SPDX-License-Identifier: Apache-2.0
/** SIGINT and SIGTERM → one abort signal. A second one ends the process at once; temporary files go even then. */
import { NydusError } from '@nydus/base/error'

/** An abort signal that follows the process's signals. */
export interface Interruption {
  readonly signal: AbortSignal
  /** Stops listening. */
  dispose(): void
}

const NUMBERS: Readonly<Record<string, number>> = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }

/** Starts listening to SIGINT, SIGTERM and SIGHUP. The reason of the abort is ERR_INTERRUPTED. */
export function onInterruption(): Interruption {
  const controller = new AbortController()
  const listener = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + (NUMBERS[name] ?? 2))
    controller.abort(new NydusError('ERR_INTERRUPTED', `interrupted by ${name}`))
  }
  const names = Object.keys(NUMBERS) as NodeJS.Signals[]
  for (const name of names) process.on(name, listener)
  return {
    signal: controller.signal,
    dispose() {
      for (const name of names) process.off(name, listener)
    },
  }
}
