// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLogFile } from '../src/log-file.ts'

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'nydus-log-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return join(directory, 'deep', 'nydusd.log')
}

describe('openLogFile', () => {
  it('begins a new file when a line does not fit, keeps ten old ones, and loses no line of those', () => {
    const path = place()
    const log = openLogFile(path, 20)
    for (let line = 10; line < 40; line++) log.write(`line ${line}\n`)
    log.close()
    expect(readdirSync(join(path, '..'))).toHaveLength(11)
    expect(readFileSync(path, 'utf8')).toBe('line 38\nline 39\n')
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('line 36\nline 37\n')
    expect(readFileSync(`${path}.10`, 'utf8')).toBe('line 18\nline 19\n')
  })

  it('goes on with a file that is there, and never rotates at 0', () => {
    const path = place()
    for (const line of ['one\n', 'two\n']) {
      const log = openLogFile(path, 0)
      log.write(line)
      log.close()
    }
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
    expect(existsSync(`${path}.1`)).toBe(false)
  })

  it.skipIf(!existsSync('/dev/full'))('survives a full disk', () => {
    const log = openLogFile('/dev/full', 0)
    expect(() => log.write('lost\n')).not.toThrow()
    log.close()
  })
})
