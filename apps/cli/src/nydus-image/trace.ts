// SPDX-License-Identifier: Apache-2.0
/** How long the steps of a command took and what they counted, for the result file. */

/** Collects times and counts. */
export class Trace {
  readonly #seconds = new Map<string, number>()
  readonly #events = new Map<string, number | string>()

  /** Runs a step; its time counts even when it fails. */
  async time<T>(name: string, step: () => T | Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await step()
    } finally {
      this.addTime(name, (performance.now() - start) / 1000)
    }
  }

  /** Adds time to a step. */
  addTime(name: string, seconds: number): void {
    this.#seconds.set(name, (this.#seconds.get(name) ?? 0) + seconds)
  }

  /** Records a count or a text; a count of 0 says nothing and is left out. */
  event(name: string, value: number | string): void {
    if (value !== 0) this.#events.set(name, value)
  }

  /** As the result file has it: names in alphabetical order. */
  summary(): { consumed_time: Record<string, number>; registered_events: Record<string, number | string> } {
    return { consumed_time: inOrder(this.#seconds), registered_events: inOrder(this.#events) }
  }
}

function inOrder<T>(entries: ReadonlyMap<string, T>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
