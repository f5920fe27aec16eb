// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildTar, openGoldens } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'
import { runCommand } from './run-recorded.ts'

const goldens = openGoldens()
const run = (...argv: readonly string[]) => runCommand(['nydus-image', '-l', 'warn', ...argv])

/** Bootstrap and blobs of two images of one layer each, built here; the second has a file of the first. */
async function twoImages(): Promise<{ path: (name: string) => string; names: () => string[] }> {
  const directory = temporaryDirectory()
  const path = (name: string) => join(directory, name)
  mkdirSync(path('blobs'))
  const shared = { path: 'shared', content: Buffer.alloc(20_000, 'shared') }
  const tars = {
    a: [shared, { path: 'only-a', content: 'a' }],
    b: [shared, { path: 'only-b', content: 'b' }],
  }
  for (const [name, entries] of Object.entries(tars)) {
    writeFileSync(path(`${name}.tar`), buildTar(entries))
    const { status } = await run(
      'create',
      '-t',
      'tar-rafs',
      '-B',
      path(name),
      '-D',
      path('blobs'),
      path(`${name}.tar`),
    )
    expect(status).toBe(0)
  }
  return { path, names: () => readdirSync(directory).sort() }
}

describe('merge', () => {
  it('ends with 2 for layers that do not fit together, and with 1 for other faults', async () => {
    const { path } = await twoImages()
    writeFileSync(path('v5'), goldens.output(goldens.fixture('tiny-tar-v5'), 'bootstrap'))
    const mixed = await run('merge', '-B', path('m'), path('v5'), path('a'))
    expect(mixed.status).toBe(2)
    expect(mixed.stderr).toMatch(/^Error: .* \(ERR_BUILD_LAYER_MISMATCH\)\n/)
    const count = await run('merge', '-B', path('m'), '--blob-digests', 'a'.repeat(64), path('a'), path('b'))
    expect(count.stderr).toBe(
      "Error: number of blob digest entries 1 doesn't match number of sources 2 (ERR_USAGE)\n",
    )
    expect(count.status).toBe(1)
    expect((await run('merge', path('a'))).stderr).toContain('both --bootstrap and --blob-dir are missing')
    expect((await run('merge', '-B', path('m'), '--blob-sizes', 'x', path('a'))).stderr).toContain(
      'invalid number in --blob-sizes option: "x"',
    )
    expect(existsSync(path('m'))).toBe(false)
  })

  it('names the blobs as the lists say, and the bootstrap by its digest in a directory', async () => {
    const { path } = await twoImages()
    mkdirSync(path('out'))
    const { status } = await run(
      ...[
        'merge',
        '-D',
        path('out'),
        '-J',
        path('json'),
        '--blob-digests',
        `${'1'.repeat(64)}, ${'2'.repeat(64)}`,
      ],
      ...[path('a'), path('b')],
    )
    const result = JSON.parse(readFileSync(path('json'), 'utf8'))
    expect(status).toBe(0)
    expect([...result.blobs].sort()).toEqual(['1'.repeat(64), '2'.repeat(64)])
    expect(readdirSync(path('out'))).toEqual([result.bootstrap.split('/').at(-1)])
  })
})

describe('unpack', () => {
  it('writes a tar with the files', async () => {
    const { path } = await twoImages()
    const { status, stdout } = await run(
      'unpack',
      path('a'),
      '--blob-dir',
      path('blobs'),
      '--output',
      path('tar'),
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    const list = execFileSync('tar', ['-tf', path('tar')])
      .toString()
      .split('\n')
    expect(list.map((name) => name.replace(/^\.\//, '')).sort()).toEqual(['', '', 'only-a', 'shared'])
  })

  it('leaves nothing when a blob is missing or wrong', async () => {
    const { path } = await twoImages()
    const missing = await run('unpack', path('a'), '-b', path('nowhere'), '--output', path('tar'))
    expect(missing.status).toBe(1)
    expect(missing.stderr).toContain('(ERR_BLOB_NOT_FOUND)')
    expect((await run('unpack', path('a'), '-b', path('b.tar'), '--output', path('tar'))).status).toBe(1)
    expect((await run('unpack', path('a'), '--output', path('tar'))).stderr).toContain(
      'Error: invalid backend configuration, --blob, --blob-dir or --backend-type must be specified (ERR_USAGE)',
    )
    expect(existsSync(path('tar'))).toBe(false)
  })

  it('refuses a backend that it does not have, by its configuration', async () => {
    const { path } = await twoImages()
    const base = ['unpack', path('a'), '--output', path('tar'), '--backend-type']
    expect((await run(...base, 'registry')).stderr).toContain(
      '--backend-config or --backend-config-file must be',
    )
    expect((await run(...base, 'registry', '--backend-config', '{')).stderr).toContain('(ERR_CONFIG_INVALID)')
    expect((await run(...base, 'registry', '--backend-config', '{"host":"h"}')).stderr).toMatch(
      /^Error: backend registry: .*repo.* \(ERR_CONFIG_INVALID\)/,
    )
    expect((await run(...base, 'floppy', '--backend-config', '{}')).stderr).toContain('(ERR_CONFIG_INVALID)')
  })
})

describe('stat', () => {
  it('prints text, or writes JSON', async () => {
    const { path } = await twoImages()
    const { stdout } = await run('stat', '-B', path('a'), '-T', path('b'))
    expect(stdout).toContain('Files:                  2\n')
    expect((await run('stat', '-B', path('a'), '-T', path('b'), '-J', path('json'))).stdout).toBe('')
    const { target_image: target } = JSON.parse(readFileSync(path('json'), 'utf8'))
    expect(target).toMatchObject({ files: 2, ref_chunks: 1, own_chunks: 1 })
  })

  it('leaves out what is no bootstrap when it counts a directory', async () => {
    const { path } = await twoImages()
    mkdirSync(path('all'))
    for (const name of ['a', 'b']) writeFileSync(join(path('all'), name), readFileSync(path(name)))
    writeFileSync(join(path('all'), 'other'), 'no bootstrap')
    writeFileSync(join(path('all'), 'a.tar'), readFileSync(path('a.tar')))
    await run('stat', '-D', path('all'), '-J', path('json'))
    const { base_image: base } = JSON.parse(readFileSync(path('json'), 'utf8'))
    expect(base).toMatchObject({ files: 4, own_chunks: 4, dedup_chunks: 3 })
  })
})

describe('compact, optimize, export and chunkdict', () => {
  it('compact joins small blobs into one, from which everything can be read', async () => {
    const { path, names } = await twoImages()
    const [a, b] = readdirSync(path('blobs'))
    await run('merge', '-B', path('m.boot'), '--original-blob-ids', `${a},${b}`, path('a'), path('b'))
    const { status, stderr } = await run(
      'compact',
      '-B',
      path('m.boot'),
      '-D',
      path('blobs'),
      '-J',
      path('json'),
    )
    expect(status, stderr).toBe(0)
    expect(names()).toContain('m.bootstrap.compact')
    const { blobs, bootstrap } = JSON.parse(readFileSync(path('json'), 'utf8'))
    expect(bootstrap).toBe(path('m.bootstrap.compact'))
    expect(readdirSync(path('blobs'))).toEqual(expect.arrayContaining(blobs))
    const tar = path('tar')
    expect((await run('unpack', bootstrap, '-D', path('blobs'), '--output', tar)).status).toBe(0)
    expect(execFileSync('tar', ['-xOf', tar, 'only-a', 'only-b']).toString()).toBe('ab')
  })

  it('compact refuses a ratio that is none', async () => {
    const { path } = await twoImages()
    const { status, stderr } = await run(
      'compact',
      '-B',
      path('a'),
      '-D',
      path('blobs'),
      '--min-used-ratio',
      '100',
    )
    expect(status).toBe(1)
    expect(stderr).toContain('--min-used-ratio "100": expected a number from 0 to 99')
  })

  it('optimize writes a blob with what is read first', async () => {
    const { path } = await twoImages()
    writeFileSync(path('list'), '/only-a\n/not-there\n')
    const argv = ['optimize', '-B', path('a'), '-D', path('blobs'), '-O', path('o'), '-J', path('json')]
    expect((await run(...argv)).stderr).toContain('missing parameter `output-blob-dir`')
    const { status, stderr } = await run(...argv, '-p', path('list'), '--output-blob-dir', path('blobs'))
    expect(status, stderr).toBe(0)
    expect(stderr).toContain('WARN /not-there is not in the image and is left out')
    const { blobs } = JSON.parse(readFileSync(path('json'), 'utf8'))
    expect(blobs).toHaveLength(2)
    expect(readdirSync(path('blobs'))).toEqual(expect.arrayContaining(blobs))
    expect((await run('check', path('o'))).status).toBe(0)
  })

  it('export names the disk after the bootstrap, and prints nothing but the options of verity', async () => {
    const { path } = await twoImages()
    const argv = ['export', '--block', '-B', path('a'), '-D', path('blobs')]
    expect(await run(...argv)).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(existsSync(join(path('blobs'), 'a.disk'))).toBe(true)
    const { stdout } = await run(...argv, '--verity', '-O', path('disk'))
    expect(stdout).toMatch(
      /^dm-verity options: --no-superblock --format=1 -s "" --hash=sha256 --data-block-size=4096 --hash-block-size=4096 --data-blocks [0-9]+ --hash-offset [0-9]+ [0-9a-f]{64}\n$/,
    )
    expect((await run(...argv, '--threads', 'many')).status).toBe(2)
  })

  it('export reads what to do from a configuration', async () => {
    const { path } = await twoImages()
    const backend = { type: 'localfs', localfs: { dir: path('blobs') } }
    writeFileSync(path('entry'), JSON.stringify({ config_v2: { backend, metadata_path: path('a') } }))
    const { status, stderr } = await run('export', '--block', '-C', path('entry'), '-O', path('disk'))
    expect(status, stderr).toBe(0)
    writeFileSync(path('entry'), '{}')
    expect((await run('export', '--block', '-C', path('entry'), '-O', path('disk'))).stderr).toContain(
      'invalid blob cache entry configuration information (ERR_CONFIG_INVALID)',
    )
  })

  it('chunkdict makes a dictionary, and leaves its database', async () => {
    const { path } = await twoImages()
    for (const version of ['1', '2']) {
      mkdirSync(path(`app:${version}`))
      writeFileSync(join(path(`app:${version}`), 'boot'), readFileSync(path(version === '1' ? 'a' : 'b')))
    }
    const sources = [join(path('app:1'), 'boot'), join(path('app:2'), 'boot')]
    const argv = ['chunkdict', 'generate', '-B', path('dict'), '--database', `sqlite://${path('db')}`]
    const { status, stderr } = await run(...argv, ...sources)
    expect(status, stderr).toBe(0)
    expect((await run('check', path('dict'))).status).toBe(0)
    expect(existsSync(path('db'))).toBe(true)
    const [, , ...rest] = argv
    expect(
      (await run('chunkdict', 'generate', ...rest.slice(0, 2), '--database', 'mysql://x', ...sources)).status,
    ).toBe(1)
  })
})
