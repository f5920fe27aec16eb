// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseArguments } from '../src/arguments.ts'
import { recorded } from './recorded-api.ts'

function parse(...argv: string[]) {
  let [out, err] = ['', '']
  const result = parseArguments(argv, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { result, out, err }
}

const least = ['--mountpoint', '/m', '--bootstrap', '/b', '--config', '/c']

describe('parseArguments', () => {
  it('understands the command line of the snapshotter', () => {
    const { result } = parse(
      ...['fuse', '--thread-num', '8', ...least, '--apisock', '/a.sock', '--log-level', 'warn'],
      ...['--log-file', '/var/log/nydusd.log', '--log-rotation-size', '100', '--failover-policy', 'resend'],
    )
    expect(result).toEqual({
      mountpoint: '/m',
      virtualMountpoint: '/',
      dataPlane: 'fuse',
      bootstrap: '/b',
      source: { config: '/c' },
      apisock: '/a.sock',
      logLevel: 'warn',
      logFile: '/var/log/nydusd.log',
      logRotationBytes: 104_857_600,
      threads: 8,
    })
  })

  it('does not need the subcommand, and takes --flag=value', () => {
    const { result } = parse('-M=/m', '--bootstrap=/b', '-D', '/d')
    expect(result).toMatchObject({
      bootstrap: '/b',
      source: { localfsDir: '/d' },
      logLevel: 'info',
      threads: 4,
    })
  })

  it.each([
    ['/x/nydusd', '/x/nydusd.log'],
    ['nydusd.txt', 'nydusd.txt'],
    ['/a.b/c', '/a.b/c.log'],
  ])('names the log file %s %s', (given, expected) => {
    expect(parse(...least, '-L', given).result).toMatchObject({ logFile: expected })
  })

  it.each([
    [['--upgrade'], 'hot upgrade'],
    [['--writable'], 'a writable mount'],
    [['--dedup-db', '/d'], 'a deduplication database'],
    [['--hybrid-mode'], 'hybrid mode'],
  ])('says that %j cannot be honoured yet', (options, what) => {
    expect(() => parse(...least, ...options)).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining(what) }),
    )
  })

  it.each(['virtiofs', 'singleton', 'nbd', 'uffd'])('says that %s is not supported yet', (command) => {
    expect(() => parse(command, '--anything', 'x')).toThrow(`nydusd ${command} is not supported yet`)
  })

  it('takes what the original takes', () => {
    const { result } = parse(
      ...[
        ...least,
        '--id',
        'x',
        '--supervisor',
        '/s',
        '--prefetch-files',
        '/p',
        '--virtual-mountpoint',
        '/v',
      ],
      ...['--rlimit-nofile', '0'],
    )
    expect(result).toMatchObject({
      id: 'x',
      supervisor: '/s',
      prefetchFiles: '/p',
      virtualMountpoint: '/v',
    })
  })

  it('needs neither image nor configuration', () => {
    expect(parse('-M', '/m').result).toEqual({
      mountpoint: '/m',
      virtualMountpoint: '/',
      dataPlane: 'fuse',
      logLevel: 'info',
      logRotationBytes: 0,
      threads: 4,
    })
    expect(parse('-M', '/m', '-s', '/d').result).toMatchObject({ sharedDir: '/d' })
  })

  it.each(['--rlimit-nofile', '--log-rotation-size'])('fails for %s that is no number', (name) => {
    expect(() => parse('-M', '/m', name, 'x')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
  })

  it('needs to know where the blobs are', () => {
    expect(() => parse('--mountpoint', '/m', '--bootstrap', '/b')).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    )
  })

  it('prints the version in the shape that the snapshotter reads', () => {
    const { result, out } = parse('--version')
    expect(result).toEqual({ exit: 0 })
    expect(out).toMatch(
      /^Version: \t\S+\nGit Commit: \t\S+\nBuild Time: \t.+\nProfile: \t\S+\nRustc: \t.+\n$/,
    )
  })
})

/** What the original does only with files, or does not have in the recorded build. */
const elsewhere = (args: readonly string[]): boolean =>
  ['singleton', 'virtiofs', 'nbd', 'uffd'].includes(args[0] ?? '')

describe('the recorded command lines', () => {
  const lines = recorded('cli-nydusd').filter(
    (exchange): exchange is { args: string[]; exit: number } =>
      Array.isArray(exchange.args) && (exchange.exit === 0 || exchange.exit === 2),
  )
  it.each(lines.filter(({ args }) => !elsewhere(args)))('$args ends with $exit', ({ args, exit }) => {
    const { result, out, err } = parse(...args)
    expect(result).toEqual({ exit })
    expect([out !== '', err !== '']).toEqual([exit === 0, exit !== 0])
  })
})
