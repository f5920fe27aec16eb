// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createStateMachine, type DaemonState } from '../src/daemon-state.ts'

describe('the state of a daemon', () => {
  it('goes from INIT to RUNNING to STOPPED and tells of each step', () => {
    const steps: string[] = []
    const machine = createStateMachine((from, to) => steps.push(`${from} ${to}`))
    for (const state of ['READY', 'RUNNING', 'STOPPED'] as const) machine.advance(state)
    expect(steps).toEqual(['INIT READY', 'READY RUNNING', 'RUNNING STOPPED'])
    expect(machine.state).toBe('STOPPED')
  })

  it.each<readonly [DaemonState[], DaemonState]>([
    [[], 'RUNNING'],
    [['READY', 'RUNNING'], 'READY'],
    [['STOPPED'], 'READY'],
  ])('after %j does not become %s', (before, state) => {
    const machine = createStateMachine(() => {})
    for (const step of before) machine.advance(step)
    expect(() => machine.advance(state)).toThrow(RangeError)
  })
})
