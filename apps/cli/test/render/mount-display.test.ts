// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createFailureLines, type FailureEvent } from '../../src/render/failure-lines.ts'
import { openLog } from '../../src/render/log.ts'
import { createMountDisplay } from '../../src/render/mount-display.ts'

const EIO = 5
const FAILURE: FailureEvent = {
  kind: 'failure',
  operation: 'READ',
  nid: 40,
  errno: EIO,
  message: 'blob gone:\n not found at http://user:secret@registry/x',
}
const LINE = 'READ of inode 40 failed with EIO: blob gone: not found at http://***@registry/x\n'

function openRecorder(level: 'error' | 'warn' = 'error') {
  const lines: string[] = []
  const stream = { write: (text: string) => lines.push(text) }
  return { lines, log: openLog({ stream, level, file: undefined, env: {} }) }
}

describe('createMountDisplay', () => {
  it('tells why a read failed, without credentials', () => {
    const { lines, log } = openRecorder()
    createMountDisplay(log).onEvent(FAILURE)
    expect(lines).toEqual([LINE])
  })

  it('tells that the cache is full', () => {
    const { lines, log } = openRecorder('warn')
    createMountDisplay(log).onEvent({ kind: 'full', blobId: 'ab', message: 'the cache is full' })
    expect(lines).toEqual(['the cache is full\n'])
  })

  it('says how many failures it left out, at the end at the latest', () => {
    const { lines, log } = openRecorder()
    const display = createMountDisplay(log)
    for (let i = 0; i < 100; i += 1) display.onEvent(FAILURE)
    display.close()
    display.close()
    expect(lines).toEqual([...Array<string>(5).fill(LINE), '95 more requests failed\n'])
  })
})

describe('createFailureLines', () => {
  it('begins anew with each period', () => {
    const { lines, log } = openRecorder()
    let time = 0
    const failures = createFailureLines(log, () => time)
    for (let i = 0; i < 7; i += 1) failures.add(FAILURE)
    time = 10_000
    failures.add(FAILURE)
    failures.close()
    expect(lines).toEqual([...Array<string>(5).fill(LINE), '2 more requests failed\n', LINE])
  })
})
