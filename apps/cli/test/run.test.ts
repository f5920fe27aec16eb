// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buildTar, putImage, startRegistry } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { type CommandContext, run } from '../src/index.ts'
import { pushGolden } from './golden-image.ts'
import { temporaryDirectory } from './temporary-directory.ts'

async function call(argv: readonly string[], changes: Partial<CommandContext> = {}) {
  let stdout = ''
  let stderr = ''
  const status = await run(argv, {
    calledAs: 'nydus',
    stdin: Readable.from([]),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
    signal: new AbortController().signal,
    ...changes,
  })
  return { status, stdout, stderr }
}

describe('the command line', () => {
  it('converts and checks, with single-dash flags as people type them', async () => {
    const directory = temporaryDirectory()
    const source = `oci:${join(directory, 'source')}:1`
    const target = `oci:${join(directory, 'target')}:1`
    await pushGolden('image-source-mini-oci', source)
    const flags = ['-work-dir', join(directory, 'work'), '-log-level', 'debug', '-platform', 'linux/amd64']
    const metrics = join(directory, 'metrics.json')
    const converted = await call([
      'convert',
      '-source',
      source,
      '-target',
      target,
      '-output-json',
      metrics,
      ...flags,
    ])
    expect(converted).toMatchObject({ status: 0 })
    expect(converted.stdout).toMatch(/^converted oci:source:1 to .*@sha256:[0-9a-f]{64}: 4 layers, /)
    expect(converted.stderr).toMatch(/^layer 45654f344cc7: built blob /m)
    expect(Object.keys(JSON.parse(readFileSync(metrics, 'utf8')))).toEqual([
      'SourceImageSize',
      'TargetImageSize',
      'SourcePullElapsed',
      'ConversionElapsed',
      'TargetPushElapsed',
    ])
    const checkFlags = ['--platform', 'linux/amd64', '--work-dir', join(directory, 'output')]
    const checked = await call(['check', '--source', source, '--target', target, ...checkFlags])
    expect(checked).toMatchObject({ status: 0, stderr: '' })
    expect(checked.stdout).toMatch(/no difference found/)
    expect(readdirSync(join(directory, 'output', 'target'))).toContain('nydus_manifest.json')
    const json = await call([
      'check',
      '--source',
      source,
      '--target',
      target,
      '--json',
      '--platform',
      'linux/amd64',
    ])
    expect(JSON.parse(json.stdout)).toMatchObject({ passed: true, findingCount: 0 })
  })

  it('findings exit with 1', async () => {
    const directory = temporaryDirectory()
    const source = `oci:${join(directory, 'source')}:1`
    const target = `oci:${join(directory, 'target')}:1`
    await pushGolden('image-source-bb-oci', source)
    await pushGolden('image-default', target)
    const { status, stdout } = await call([
      'check',
      '--source',
      source,
      '--target',
      target,
      '--platform',
      'linux/amd64',
    ])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^filesystem: \/keep: is not in the source$/m)
  })

  it.each([
    [['convert', '--source', 'a'], 2, /^nydus: --target is missing \(ERR_USAGE\)\nhint: /],
    [['convert', '--target', 'a'], 2, /--source is missing/],
    [['convert', '--source', 'a', '--target', 'b', '--target-suffix', 'c'], 2, /exclude each other/],
    [
      ['convert', '--source', 'a', '--target', 'b', '--fs-version', '7'],
      2,
      /--fs-version "7": expected 5 or 6/,
    ],
    [['convert', '--source', 'a', '--target', 'b', '--compressor', 'xz'], 2, /compressor xz/],
    [['convert', '--source', 'a', '--target', 'b', '--fs-chunk-size', '5000'], 2, /chunk size 5000/],
    [
      ['convert', '--source', 'a', '--target', 'b', '--encrypt-recipients', 'x'],
      2,
      /--encrypt-recipients is not supported/,
    ],
    [
      ['convert', '--source', 'a', '--target', 'docker.io/library/a:latest'],
      2,
      /--target is the source itself/,
    ],
    [['convert', '--source', 'oci:a:1', '--target', 'oci:./a:1'], 2, /--target is the source itself/],
    [['convert', '--source', 'UPPER', '--target', 'b'], 2, /\(ERR_REFERENCE_INVALID\)/],
    [['convert', '--nonsense'], 2, /unknown option '--nonsense' \(ERR_USAGE\)/],
    [['nonsense'], 2, /unknown command 'nonsense' \(ERR_USAGE\)/],
    [['commit'], 2, /commit is not supported: it needs the API of containerd/],
    [[], 2, /no command given/],
    [['mount', 'image'], 2, /expected an image and a directory/],
    [['check', '--target', 'a', '--mount'], 2, /--mount needs --source/],
  ])('%j exits with %i', async (argv, status, message) => {
    const result = await call(argv as string[])
    expect(result.stderr).toMatch(message as RegExp)
    expect(result.status).toBe(status)
    expect(result.stdout).toBe('')
  })

  it('errors are one line and a hint, with the status of their code', async () => {
    await using registry = await openRegistry()
    const source = `${registry.host}/none:1`
    const work = join(temporaryDirectory(), 'work')
    const result = await call([
      'convert',
      '--source',
      source,
      '--target',
      `${source}-n`,
      '--plain-http',
      '--work-dir',
      work,
    ])
    expect(result.status).toBe(4)
    expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    expect(result.stderr).toMatch(/^nydus: .*\(ERR_REGISTRY_NOT_FOUND\)/)
  })

  it('a metrics file that cannot be written fails before anything is pushed', async () => {
    await using registry = await openRegistry()
    putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: 'a' }])])
    const image = `${registry.host}/app:1`
    const places = ['--source', image, '--target', `${image}-n`, '--plain-http']
    const result = await call([
      'convert',
      ...places,
      '--output-json',
      join(temporaryDirectory(), 'none', 'x'),
    ])
    expect(result.stderr).toMatch(/\(ERR_BUILD_IO\)/)
    expect(result.status).toBe(5)
    expect(registry.tags('app')).toEqual(['1'])
  })

  it('an error without a code is said to be internal', async () => {
    const signal = AbortSignal.abort(new TypeError('x is not a function'))
    const result = await call(['convert', '--source', 'oci:a', '--target', 'oci:b'], { signal })
    expect(result.stderr).toMatch(/^nydus: internal error: x is not a function\nhint: .* report it/)
    expect(result.status).toBe(70)
  })

  it("under the original's name failures exit with 1, and a Nydus image is copied", async () => {
    await using registry = await openRegistry()
    putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: 'a' }])])
    const work = ['--plain-http', '--work-dir', join(temporaryDirectory(), 'work')]
    const image = `${registry.host}/app:1`
    const calledAs = 'nydusify'
    expect(
      (await call(['convert', '--source', image, '--target', `${image}-n`, ...work], { calledAs })).status,
    ).toBe(0)
    const copied = ['convert', '--source', `${image}-n`, '--target', `${image}-copy`, ...work]
    expect((await call(copied)).status).toBe(3)
    expect((await call(copied, { calledAs })).status).toBe(0)
    expect(registry.tags('app')).toEqual(['1', '1-copy', '1-n'])
    const missing = await call(['convert', '--source', `${image}-none`, '--target', `${image}-x`, ...work], {
      calledAs,
    })
    expect(missing.status).toBe(1)
    expect(missing.stderr).toMatch(/^nydusify: /)
  })

  it('an interruption exits with 130 and says so', async () => {
    await using registry = await openRegistry()
    putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: 'a' }])])
    const { NydusError } = await import('@nydus/base/error')
    const signal = AbortSignal.abort(new NydusError('ERR_INTERRUPTED', 'interrupted by SIGINT'))
    const image = `${registry.host}/app:1`
    const result = await call(['convert', '--source', image, '--target', `${image}-n`, '--plain-http'], {
      signal,
    })
    expect(result).toMatchObject({ status: 130, stderr: 'nydus: interrupted by SIGINT (ERR_INTERRUPTED)\n' })
    expect(registry.tags('app')).toEqual(['1'])
  })

  it('prints help and version', async () => {
    expect(await call(['--version'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
    const { status, stdout } = await call(['convert', '--help'])
    expect(status).toBe(0)
    expect(stdout).toContain('--fs-chunk-size <bytes>')
    expect(stdout).not.toContain('--encrypt-recipients')
    expect(stdout).toMatch(/^Examples:\n {2}nydus convert --source /m)
    expect(stdout).toMatch(/^Exit status: 0 done, 1 .*130 interrupted$/ms)
    const nydusify = await call(['check', '--help'], { calledAs: 'nydusify' })
    expect(nydusify.stdout).toMatch(
      /^ {2}nydusify check .*^Exit status: 0 done, 1 failed, 130 interrupted$/ms,
    )
  })

  it('mount of what is no Nydus image and of a missing directory fail with their codes', async () => {
    await using registry = await openRegistry()
    putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: 'a' }])])
    const directory = temporaryDirectory()
    const work = ['--plain-http', '--work-dir', join(directory, 'work')]
    const plain = await call(['mount', `${registry.host}/app:1`, directory, ...work])
    expect(plain.stderr).toMatch(/\(ERR_IMAGE_NOT_NYDUS\)/)
    expect(plain.status).toBe(3)
    const missing = await call(['mount', `${registry.host}/app:1`, join(directory, 'none'), ...work])
    expect(missing.stderr).toMatch(/\(ERR_FUSE_MOUNT_FAILED\)/)
    expect(missing.status).toBe(5)
    expect(readdirSync(directory)).toEqual([])
  })
})

async function openRegistry() {
  const registry = await startRegistry()
  return Object.assign(registry, { [Symbol.asyncDispose]: () => registry.close() })
}
