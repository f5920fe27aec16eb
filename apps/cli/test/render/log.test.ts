// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog } from '../../src/render/log.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

function openRecorder(file: string | undefined, isTTY = false, env: Record<string, string> = {}) {
  const written: string[] = []
  const log = openLog({
    stream: { isTTY, write: (text: string) => written.push(text) },
    level: 'info',
    file,
    env,
  })
  return { log, written }
}

describe('openLog', () => {
  it('writes to its file too, with times', () => {
    const file = join(temporaryDirectory(), 'log')
    const { log, written } = openRecorder(file)
    log.warn('careful')
    log.debug('not at this level')
    log.close()
    log.close()
    expect(written).toEqual(['careful\n'])
    expect(readFileSync(file, 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z warn careful\n$/)
  })

  it('colours on a terminal, unless NO_COLOR is set', () => {
    const coloured = openRecorder(undefined, true)
    coloured.log.error('bad')
    const plain = openRecorder(undefined, true, { NO_COLOR: '1' })
    plain.log.error('bad')
    expect([...coloured.written, ...plain.written]).toEqual(['\u001b[31mbad\u001b[0m\n', 'bad\n'])
  })

  it.runIf(existsSync('/dev/full'))('goes on without its file when that cannot be written', () => {
    const { log, written } = openRecorder('/dev/full')
    log.info('one')
    log.info('two')
    log.close()
    expect(written).toEqual([
      expect.stringMatching(/^log file \/dev\/full ends here: ENOSPC/),
      'one\n',
      'two\n',
    ])
  })
})
