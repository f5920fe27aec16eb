// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { normalizeArgv } from '../src/argv.ts'
import type { Flag } from '../src/commands/flag.ts'

const FLAGS: readonly Flag[] = [
  { name: 'source', value: 'image', help: '' },
  { name: 'target-suffix', value: 'suffix', help: '' },
  { name: 'fs-chunk-size', aliases: ['chunk-size'], value: 'bytes', help: '' },
  { name: 'plain-http', help: '' },
  { name: 'log-level', short: 'l', value: 'level', help: '' },
  { name: 'debug', short: 'D', help: '' },
]
const normalize = (line: string) => normalizeArgv(line.split(' '), FLAGS, ['convert', 'check']).join(' ')

describe('normalizeArgv', () => {
  it.each([
    ['convert -log-level debug', 'convert --log-level debug'],
    ['convert -source a --plain-http', 'convert --source a --plain-http'],
    ['convert -source=a -chunk-size=0x1000', 'convert --source=a --chunk-size=0x1000'],
    ['convert --plain-http=true', 'convert --plain-http'],
    ['convert --plain-http=false --source a', 'convert --source a'],
    ['convert -l debug -D', 'convert -l debug -D'],
    ['--log-level debug convert --source a', 'convert --source a --log-level debug'],
    ['-D convert --source a', 'convert --source a -D'],
    ['convert -h', 'convert -h'],
    ['-version', '--version'],
  ])('%s → %s', (given, expected) => {
    expect(normalize(given)).toBe(expected)
  })

  it('leaves values alone, also those that look like flags or commands', () => {
    expect(normalize('convert --target-suffix -suffixed')).toBe('convert --target-suffix -suffixed')
    expect(normalize('convert --source check')).toBe('convert --source check')
    expect(normalize('--log-level check convert')).toBe('convert --log-level check')
    expect(normalize('convert --target-suffix -debug')).toBe('convert --target-suffix -debug')
  })

  it('leaves unknown flags and everything behind -- alone', () => {
    expect(normalize('convert -nonsense -x')).toBe('convert -nonsense -x')
    expect(normalize('convert -- -debug')).toBe('convert -- -debug')
  })
})
