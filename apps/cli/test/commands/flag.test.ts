// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import {
  addFlags,
  durationFlag,
  type Flag,
  numberFlag,
  readFlags,
  sizeFlag,
} from '../../src/commands/flag.ts'

const FLAGS: readonly Flag[] = [
  { name: 'work-dir', value: 'dir', default: './tmp', help: 'place' },
  { name: 'plain-http', help: 'http' },
  { name: 'fs-chunk-size', aliases: ['chunk-size'], value: 'bytes', help: 'size' },
  { name: 'platform', value: 'list', env: false, help: 'platforms' },
  { name: 'nydus-image', value: 'path', help: '', note: 'is built in' },
  { name: 'batch-size', value: 'bytes', help: '', harmless: ['', '0'], unsupported: 'later' },
  { name: 'reverse', help: '', unsupported: 'later' },
]

function read(argv: readonly string[], env: Record<string, string> = {}) {
  const command = new Command().exitOverride()
  addFlags(command, FLAGS)
  command.parse([...argv], { from: 'user' })
  return readFlags(command, FLAGS, env)
}

describe('readFlags', () => {
  it('takes the command line first, then the environment, then the default', () => {
    expect(read([]).text('work-dir')).toBe('./tmp')
    expect(read([], { WORK_DIR: 'env' }).text('work-dir')).toBe('env')
    expect(read(['--work-dir', 'line'], { WORK_DIR: 'env' }).text('work-dir')).toBe('line')
    expect(read([], { PLATFORM: 'linux/arm64' }).text('platform')).toBeUndefined()
  })

  it('knows a flag by its other names', () => {
    expect(read(['--chunk-size', '0x1000']).text('fs-chunk-size')).toBe('0x1000')
  })

  it('reads switches from the environment as Go does', () => {
    expect(read([], { PLAIN_HTTP: 'true' }).isSet('plain-http')).toBe(true)
    expect(read([], { PLAIN_HTTP: '0' }).isSet('plain-http')).toBe(false)
    expect(() => read([], { PLAIN_HTTP: 'maybe' })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
  })

  it('refuses what it cannot honour, and says why', () => {
    expect(() => read(['--reverse'])).toThrow('--reverse is not supported: later')
    expect(() => read(['--batch-size', '4096'])).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    expect(() => read([], { BATCH_SIZE: '4096' })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    expect(read(['--batch-size', '0']).text('batch-size')).toBe('0')
  })

  it('tells about flags without effect', () => {
    expect(read(['--nydus-image', '/bin/x']).notes).toEqual(['--nydus-image: is built in'])
  })
})

describe('numbers of flags', () => {
  it('reads decimal and hexadecimal numbers', () => {
    expect(numberFlag('n', '4096')).toBe(4096)
    expect(numberFlag('n', '0x1000')).toBe(4096)
    for (const text of ['', 'x', '-1', '1.5', '0x', '9'.repeat(20)]) {
      expect(() => numberFlag('n', text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    }
  })

  it('reads durations as Go writes them', () => {
    expect(durationFlag('d', '5s')).toBe(5000)
    expect(durationFlag('d', '1m30s')).toBe(90_000)
    expect(durationFlag('d', '250ms')).toBe(250)
    expect(durationFlag('d', '0')).toBe(0)
    for (const text of ['', '5', 's', '5 s', '-5s']) {
      expect(() => durationFlag('d', text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    }
  })

  it('reads sizes with units', () => {
    expect(sizeFlag('s', '16MiB')).toBe(16 << 20)
    expect(sizeFlag('s', '0MB')).toBe(0)
    expect(sizeFlag('s', '4096')).toBe(4096)
    expect(() => sizeFlag('s', '1 lightyear')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
  })
})
