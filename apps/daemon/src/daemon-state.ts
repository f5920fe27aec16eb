// SPDX-License-Identifier: Apache-2.0
/** The states that the API shows, and how one leads to the next. */

/** INIT: nothing mounted yet. READY: mounted. RUNNING: the kernel is answered. STOPPED: on the way out. */
export type DaemonState = 'INIT' | 'READY' | 'RUNNING' | 'STOPPED'

const NEXT: Readonly<Record<DaemonState, readonly DaemonState[]>> = {
  INIT: ['READY', 'STOPPED'],
  READY: ['RUNNING', 'STOPPED'],
  RUNNING: ['STOPPED'],
  STOPPED: [],
}

/** The state of one daemon. */
export interface StateMachine {
  readonly state: DaemonState
  /** @throws {RangeError} for a step that does not exist, which is a mistake in the program. */
  advance(to: DaemonState): void
}

/** Starts in INIT. @param onChange told of every step. */
export function createStateMachine(onChange: (from: DaemonState, to: DaemonState) => void): StateMachine {
  let state: DaemonState = 'INIT'
  return {
    get state() {
      return state
    },
    advance(to) {
      if (!NEXT[state].includes(to)) throw new RangeError(`no step from ${state} to ${to}`)
      const from = state
      state = to
      onChange(from, to)
    },
  }
}
