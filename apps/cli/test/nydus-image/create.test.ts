// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { buildTar, openGoldens } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'
import { runCommand } from './run-recorded.ts'

const goldens = openGoldens()
const run = (stdin: string, ...argv: readonly string[]) =>
  runCommand(['nydus-image', 'create', ...argv], stdin)

/** A directory with `tiny.tar` in it. */
function workDirectory(): { path: (name: string) => string; names: () => string[] } {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'tiny.tar'), goldens.tar('tiny'))
  return { path: (name) => join(directory, name), names: () => readdirSync(directory).sort() }
}

describe('create', () => {
  it('writes bootstrap, blob and result file', async () => {
    const { path, names } = workDirectory()
    const { status, stdout, stderr } = await run(
      '',
      ...['-t', 'tar-rafs', '-B', path('boot'), '-b', path('blob'), '-J', path('json'), path('tiny.tar')],
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    const golden = goldens.fixture('tiny-tar-v6')
    const [blobId = ''] = golden.blob_ids ?? []
    expect(stderr).toContain(
      `INFO successfully built RAFS filesystem: \nmeta blob path: ${path('boot')}\ndata blob size: 0x1070\ndata blobs: ["${blobId}"]\n`,
    )
    expect(readFileSync(path('boot'))).toEqual(Buffer.from(goldens.output(golden, 'bootstrap')))
    expect(names()).toEqual(['blob', 'boot', 'json', 'tiny.tar'])
    const result = JSON.parse(readFileSync(path('json'), 'utf8'))
    expect(result).toMatchObject({
      bootstrap: path('boot'),
      blobs: [blobId],
      fs_version: '6',
      compressor: 'zstd',
    })
    expect(Object.keys(result)).toEqual(
      Object.keys(JSON.parse(Buffer.from(goldens.output(golden, 'output_json')).toString())),
    )
    expect(Object.keys(result.trace)).toEqual(['consumed_time', 'registered_events'])
    expect(result.trace.consumed_time.total_build).toBeGreaterThan(0)
  })

  it('says nothing when only warnings are wanted', async () => {
    const { path } = workDirectory()
    const quiet = ['--log-level', 'warn', '-t', 'tar-rafs', '-B', path('boot'), '-b', path('blob')]
    expect(await run('', ...quiet, path('tiny.tar'))).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('reads from a FIFO and writes to one, as the converter of the snapshotter has it', async () => {
    const { path, names } = workDirectory()
    execFileSync('mkfifo', [path('in'), path('out')])
    const feed = createReadStream(path('tiny.tar')).pipe(createWriteStream(path('in')))
    const [result, blob] = await Promise.all([
      run(
        '/',
        ...[
          '--log-level',
          'warn',
          '--prefetch-policy',
          'fs',
          '--blob',
          path('out'),
          '--whiteout-spec',
          'none',
        ],
        ...[
          '--fs-version',
          '6',
          '--type',
          'tar-rafs',
          '--blob-inline-meta',
          '--features',
          'blob-toc',
          path('in'),
        ],
      ),
      buffer(createReadStream(path('out'))),
    ])
    expect(result).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(feed.closed || feed.writableFinished).toBe(true)
    expect(names()).toEqual(['in', 'out', 'tiny.tar'])
    await run(
      '/',
      ...['--prefetch-policy', 'fs', '--blob', path('again'), '--whiteout-spec', 'none'],
      ...['--type', 'tar-rafs', '--inline-bootstrap', '--features', 'blob-toc', path('tiny.tar')],
    )
    expect(blob.equals(readFileSync(path('again')))).toBe(true)
  })

  it('names blob and bootstrap by their digests in a directory', async () => {
    const { path } = workDirectory()
    mkdirSync(path('blobs'))
    const { status, stderr } = await run('', '-t', 'tar-rafs', '-D', path('blobs'), path('tiny.tar'))
    const golden = goldens.fixture('tiny-tar-v6')
    expect(status, stderr).toBe(0)
    expect(readdirSync(path('blobs')).sort()).toEqual(
      [...(golden.blob_ids ?? []), golden.outputs?.bootstrap?.sha256].sort(),
    )
  })

  it('leaves nothing behind when the tar is cut, and keeps what was there', async () => {
    const { path, names } = workDirectory()
    const tar = buildTar([{ path: 'file', content: Buffer.alloc(100_000, 'x') }])
    writeFileSync(path('cut.tar'), tar.subarray(0, 50_000))
    writeFileSync(path('boot'), 'old')
    const { status, stderr } = await run(
      '',
      '-t',
      'tar-rafs',
      '-B',
      path('boot'),
      '-b',
      path('blob'),
      path('cut.tar'),
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(/^Error: .* \(ERR_BUILD_BAD_TAR\)\n/)
    expect(names()).toEqual(['boot', 'cut.tar', 'tiny.tar'])
    expect(readFileSync(path('boot'), 'utf8')).toBe('old')
  })

  it('warns of patterns that it leaves out', async () => {
    const { path } = workDirectory()
    const { status, stderr } = await run(
      '/dir\n/dir/a\n',
      ...['-l', 'warn', '--prefetch-policy', 'fs', '-t', 'tar-rafs', '-B', path('boot'), '-b', path('blob')],
      path('tiny.tar'),
    )
    expect(status).toBe(0)
    expect(stderr).toContain('WARN prefetch pattern /dir/a is covered by an earlier one')
  })

  it('checks everything before it writes', async () => {
    const { path } = workDirectory()
    const base = ['-B', path('boot'), '-b', path('blob')]
    for (const [argv, message] of [
      [['-t', 'tar-rafs', '--chunk-size', '0x1800'], 'invalid chunk size: 6144'],
      [['-t', 'tar-rafs', '--chunk-size', 'big'], 'invalid chunk size big'],
      [['-t', 'tar-rafs', '-v', '5', '--batch-size', '0x1000'], 'conflicts with `--fs-version 5`'],
      [
        ['-t', 'tar-rafs', '--batch-size', '0x200000'],
        'batch size 0x200000 is bigger than chunk size 0x100000',
      ],
      [['-t', 'tar-rafs', '-v', '5', '--features', 'blob-toc'], "`--features blob-toc` can't be used"],
      [['-t', 'targz-ref', '--blob-id', 'x'], "conversion type 'targz-ref' conflicts with '--blob-id'"],
      [['-t', 'targz-ref', '--prefetch-policy', 'blob'], "conflicts with '--prefetch-policy blob'"],
      [['-t', 'tar-tarfs'], 'conversion type `tar-tarfs` conflicts with `--blob`'],
      [['-t', 'tar-rafs', '--chunk-dict', 'oci=x'], 'invalid chunk dict type oci'],
      [['-t', 'dir-rafs'], 'specified path must be a directory'],
    ] as const) {
      const { status, stderr } = await run('', ...argv, ...base, path('tiny.tar'))
      expect(stderr).toContain(message)
      expect(status).toBe(1)
      expect(existsSync(path('blob'))).toBe(false)
    }
  })
})
