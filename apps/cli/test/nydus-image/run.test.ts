// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'
import { runCommand } from './run-recorded.ts'

const run = (...argv: readonly string[]) => runCommand(['nydus-image', ...argv])

describe('the program', () => {
  it('prints its version in the lines that clients look for', async () => {
    const { status, stdout } = await run('--version')
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^Version: \tv\S+\nGit Commit: \t\S+\nBuild Time: \t.+\nProfile: \trelease\nRustc: \t\t.+\n/,
    )
    expect((await run('-V')).stdout).toBe(stdout)
  })

  it('without arguments shows its usage and is content', async () => {
    expect(await run()).toEqual({ status: 0, stdout: 'Usage: nydus-image [OPTIONS] [COMMAND]\n', stderr: '' })
  })

  it('lists the commands of the original in its help', async () => {
    const { stdout } = await run('--help')
    for (const name of [
      'create',
      'chunkdict',
      'merge',
      'check',
      'optimize',
      'export',
      'inspect',
      'stat',
      'compact',
    ]) {
      expect(stdout).toContain(`\n  ${name}`)
    }
  })

  it.each([['-h'], ['--help']])('create %s has what nydusify and the snapshotter look for', async (flag) => {
    const { status, stdout, stderr } = await run('create', flag)
    for (const text of ['--type', 'tar-rafs', '--batch-size', '--encrypt']) expect(stdout).toContain(text)
    expect(stdout).not.toContain('--blob-offset')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('prints the help of any command', async () => {
    const { stdout } = await run('help', 'merge')
    expect(stdout).toContain('Usage: nydus-image merge [OPTIONS] <SOURCE>...')
    expect((await run('chunkdict')).stdout).toBe('Usage: nydus-image chunkdict generate [OPTIONS]\n')
    expect((await run('help')).stdout).toBe((await run('-h')).stdout)
  })

  it('takes global flags before and behind the command', async () => {
    const before = await run('-l', 'warn', 'check', 'nowhere')
    const behind = await run('check', 'nowhere', '--log-level', 'warn')
    expect(before).toEqual(behind)
    expect(before.stderr).toBe(
      'Error: cannot read bootstrap nowhere: no such file or directory (ERR_BUILD_IO)\n',
    )
  })

  it('writes messages to the log file, whose directory it makes', async () => {
    const log = join(temporaryDirectory(), 'new', 'log')
    const { stderr } = await run(
      '-L',
      log,
      'create',
      '-t',
      'targz-ref',
      '--compressor',
      'zstd',
      '-D',
      '.',
      '-E',
      __filename,
    )
    expect(stderr).toContain("conversion type 'targz-ref' conflicts with '--encrypt'")
    expect(readFileSync(log, 'utf8')).toMatch(/^\[.{33}\] INFO only compressor gzip is supported/)
  })
})

describe('exit statuses', () => {
  it.each([
    [['frobnicate'], 2, "error: unrecognized subcommand 'frobnicate' (ERR_USAGE)"],
    [['chunkdict', 'frobnicate'], 2, "error: unrecognized subcommand 'chunkdict frobnicate' (ERR_USAGE)"],
    [['--frobnicate'], 2, "error: unexpected argument '--frobnicate' found (ERR_USAGE)"],
    [['check'], 2, 'error: the following required arguments were not provided: <BOOTSTRAP> (ERR_USAGE)'],
    [['stat'], 1, 'Error: one of `--bootstrap` and `--blob-dir` must be specified (ERR_USAGE)'],
    [
      ['create', '-t', 'tar-rafs', '-B', 'x', '-b', 'y', 'z'],
      1,
      'Error: cannot access path z: no such file or directory (ERR_BUILD_IO)',
    ],
  ])('%j ends with %i', async (argv, status, line) => {
    const result = await run(...argv)
    expect(result.status).toBe(status)
    expect(result.stderr.split('\n')[0]).toBe(line)
    expect(result.stdout).toBe('')
  })
})
