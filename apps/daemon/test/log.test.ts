// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLogger, openLog } from '../src/log.ts'

function capture(level: Parameters<typeof createLogger>[0]) {
  const lines: string[] = []
  return { lines, logger: createLogger(level, (line) => lines.push(line)) }
}

describe('the log', () => {
  it('has plain lines with the time in UTC', () => {
    const { lines, logger } = capture('info')
    logger.info('mounted')
    logger.debug('not shown')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \+00:00\] INFO mounted\n$/)
  })

  it('changes its level while it runs', () => {
    const { lines, logger } = capture('error')
    logger.level = 'debug'
    logger.debug('now')
    expect(lines[0]).toContain('DEBUG now')
  })

  it('never shows credentials, nor lets a name break out of its line', () => {
    const { lines, logger } = capture('info')
    logger.error('GET https://user:secret@host/v2/?token=s3cret failed, sent Basic dXNlcjpzZWNyZXQ=')
    logger.error('mountpoint /a\nb\x1b[31m is busy')
    expect(lines.join('')).not.toMatch(/secret|s3cret|dXNlcjpzZWNyZXQ/)
    expect(lines[1]).toMatch(/ERROR mountpoint \/a b\?\[31m is busy\n$/)
  })

  it('goes to a file whose directories are made', () => {
    const directory = mkdtempSync(join(tmpdir(), 'log-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const path = join(directory, 'a', 'b', 'nydusd.log')
    const log = openLog('info', path)
    log.logger.info('one')
    log.logger.warn('two')
    log.close()
    expect(readFileSync(path, 'utf8')).toMatch(/INFO one\n.*WARN two\n$/)
    expect(() => openLog('info', directory)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})
