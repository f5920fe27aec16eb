// SPDX-License-Identifier: Apache-2.0
/** The daemon under the real kernel. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cacheFixtures, fixture, load, type Scratch, scratch, unpackImage } from './fixtures.ts'
import { comparable, listTree } from './listing.ts'
import { call, isMounted, type Nydusd, runNydusd, startNydusd } from './nydusd-process.ts'

const reason = process.getuid?.() !== 0 ? 'not root' : !existsSync('/dev/fuse') ? 'no /dev/fuse' : undefined
if (reason !== undefined) console.log(`SKIPPED: mounts of nydusd need the kernel: ${reason}`)

function argumentsFor(directory: Scratch): string[] {
  return [
    ...['fuse', '--config', directory.path('config.json'), '--bootstrap', directory.path('image.boot')],
    ...[
      '--mountpoint',
      directory.path('mnt'),
      '--apisock',
      directory.path('api.sock'),
      '--log-level',
      'debug',
    ],
  ]
}

function image(id: string): Scratch {
  const directory = scratch()
  onTestFinished(() => {
    spawnSync('umount', ['-l', directory.path('mnt')])
    directory.remove()
  })
  unpackImage(id, directory)
  return directory
}

async function mounted(directory: Scratch, args = argumentsFor(directory)): Promise<Nydusd> {
  const nydusd = startNydusd(args)
  onTestFinished(() => nydusd.kill('SIGKILL'))
  await nydusd.running(directory.path('api.sock'))
  return nydusd
}

function expectNothingLeft(directory: Scratch): void {
  expect(isMounted(directory.path('mnt'))).toBe(false)
  expect(existsSync(directory.path('api.sock'))).toBe(false)
}

describe.skipIf(reason !== undefined)('nydusd', () => {
  it.each([
    'mixed-tar-v6-zstd-blake3',
    'mixed-tar-v6-none-sha256',
    'mixed-v6-batch-0x100000',
    'names-tar-v6',
    'types-tar-v6',
    'layers-merge-v6-layers',
    'mixed-tar-v5-none-sha256',
    'mixed-tar-v5-zstd-blake3',
    'mixed-v5-aligned',
    'types-tar-v5',
    'names-tar-v5',
    'layers-merge-v5-layers',
    'mixed-zran-l6',
    'mixed-zran-multi',
    'mixed-v6-encrypt',
  ])('shows what the original shows of %s, and leaves nothing behind on SIGTERM', async (id) => {
    const directory = image(id)
    const nydusd = await mounted(directory)
    const stored = fixture(id).expected?.fuse
    if (stored === undefined) throw new Error(`${id} has no listing`)
    const { expected, found } = comparable(load(stored), listTree(directory.path('mnt')))
    expect(found).toEqual(expected)
    nydusd.kill('SIGTERM')
    expect((await nydusd.exited).status).toBe(0)
    expectNothingLeft(directory)
    expect(readdirSync(directory.path('cache')).filter((name) => !name.includes('.blob.'))).toEqual([])
  })

  it('uses the cache of the original without its blobs', async () => {
    const cache = cacheFixtures.find(({ id }) => id === 'cache-v6-all')
    if (cache === undefined) throw new Error('no fixture')
    const directory = image(cache.bootstrap_of)
    unpackImage(cache.bootstrap_of, directory, (stored) => new Uint8Array(stored.size))
    for (const [name, stored] of Object.entries(cache.outputs))
      writeFileSync(directory.path('cache', name), load(stored))
    const nydusd = await mounted(directory)
    for (const { path, sha256 } of cache.read) {
      const digest = createHash('sha256')
        .update(readFileSync(directory.path('mnt', path)))
        .digest('hex')
      expect(digest, path).toBe(sha256)
    }
    nydusd.kill('SIGTERM')
    const { stderr } = await nydusd.exited
    expect(stderr).not.toContain('fetched')
  })

  it('answers reads of a damaged blob with an error, logs why, and goes on', async () => {
    const directory = image('mixed-tar-v6-zstd-blake3')
    unpackImage('mixed-tar-v6-zstd-blake3', directory, (stored) =>
      load(stored).map((byte, i) => (i === 10_000 ? byte ^ 1 : byte)),
    )
    const nydusd = await mounted(directory)
    expect(() => readFileSync(directory.path('mnt', 'random'))).toThrow('EIO')
    expect(readFileSync(directory.path('mnt', 'text'))).toHaveLength(13500)
    nydusd.kill('SIGTERM')
    const { status, stderr } = await nydusd.exited
    expect(status).toBe(0)
    expect(stderr).toMatch(/ERROR READ of inode \d+ failed/)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('goes at once on %s while a file is open', async (signal) => {
    const directory = image('mixed-tar-v6-zstd-blake3')
    const nydusd = await mounted(directory)
    const fd = openSync(directory.path('mnt', 'text'), 'r')
    nydusd.kill(signal)
    expect((await nydusd.exited).status).toBe(0)
    expectNothingLeft(directory)
    expect(() => readSync(fd, new Uint8Array(1), 0, 1, 8192)).toThrow()
    expect(() => closeSync(fd)).toThrow()
  })

  it('exits by itself when somebody else unmounts', async () => {
    const directory = image('tiny-tar-v6')
    const nydusd = await mounted(directory)
    expect(spawnSync('umount', [directory.path('mnt')]).status).toBe(0)
    expect((await nydusd.exited).status).toBe(0)
    expectNothingLeft(directory)
  })

  it('describes itself through the API', async () => {
    const directory = image('tiny-tar-v6')
    const nydusd = await mounted(directory)
    const reply = await call(directory.path('api.sock'), 'GET', '/api/v1/daemon')
    const info = JSON.parse(reply.body) as {
      state: string
      backend_collection: Record<string, { mounted_time: string }>
    }
    expect(info.state).toBe('RUNNING')
    expect(info.backend_collection['/']?.mounted_time).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+00:00:00$/,
    )
    nydusd.kill('SIGTERM')
    await nydusd.exited
  })

  it('refuses a mountpoint and a socket that a living daemon has', async () => {
    const directory = image('tiny-tar-v6')
    const nydusd = await mounted(directory)
    const busySocket = await runNydusd(argumentsFor(directory))
    expect(busySocket).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('belongs to a running daemon'),
    })
    const other = argumentsFor(directory).map((arg) => arg.replace('api.sock', 'other.sock'))
    const busyMount = await runNydusd(other)
    expect(busyMount).toMatchObject({ status: 1, stderr: expect.stringContaining('ERR_FUSE_MOUNT_FAILED') })
    expect(existsSync(directory.path('other.sock'))).toBe(false)
    expect(readdirSync(directory.path('mnt'))).not.toEqual([])
    nydusd.kill('SIGTERM')
    expect((await nydusd.exited).status).toBe(0)
  })

  it('replaces the socket of a dead daemon', async () => {
    const directory = image('tiny-tar-v6')
    const dead = await mounted(directory)
    dead.kill('SIGKILL')
    await dead.exited
    spawnSync('umount', ['-l', directory.path('mnt')])
    expect(existsSync(directory.path('api.sock'))).toBe(true)
    const nydusd = await mounted(directory)
    nydusd.kill('SIGTERM')
    expect((await nydusd.exited).status).toBe(0)
    expectNothingLeft(directory)
  })

  it('says so when additional headers are asked for', async () => {
    const directory = image('tiny-tar-v6')
    const nydusd = startNydusd(argumentsFor(directory), { NYDUS_HEADER_X_SECRET: 'value' })
    onTestFinished(() => nydusd.kill('SIGKILL'))
    await nydusd.running(directory.path('api.sock'))
    nydusd.kill('SIGTERM')
    const { stderr } = await nydusd.exited
    expect(stderr).toMatch(/WARN NYDUS_HEADER_X_SECRET: additional headers are not supported/)
    expect(stderr).not.toContain('value')
  })

  it('mounts with --localfs-dir and without a subcommand', async () => {
    const directory = image('tiny-tar-v6')
    const nydusd = await mounted(directory, [
      ...['-D', directory.path('blobs'), '-B', directory.path('image.boot')],
      ...[`--mountpoint=${directory.path('mnt')}`, '-A', directory.path('api.sock'), '-l', 'warn'],
    ])
    expect(readdirSync(directory.path('mnt'))).not.toEqual([])
    nydusd.kill('SIGTERM')
    expect(await nydusd.exited).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it.each([
    ['a missing mountpoint', 'mnt', 'no-such-directory', /does not exist.*ERR_FUSE_MOUNT_FAILED.*hint/],
    ['a mountpoint that is a file', 'mnt', 'config.json', /is not a directory/],
    ['a missing bootstrap', 'image.boot', 'missing.boot', /bootstrap .* does not exist.*ERR_CONFIG_INVALID/],
    ['a bootstrap that is none', 'image.boot', 'config.json', /ERR_FORMAT/],
    ['a missing configuration', 'config.json', 'missing.json', /configuration .* does not exist/],
    ['a configuration that is none', 'config.json', 'image.boot', /it is not JSON/],
  ])('fails with one line for %s', async (_, wanted, given, line) => {
    const directory = image('tiny-tar-v6')
    const args = argumentsFor(directory).map((arg) =>
      arg.replace(directory.path(wanted), directory.path(given)),
    )
    const { status, stderr } = await runNydusd([...args, '--log-level', 'error'])
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(line)
    expectNothingLeft(directory)
  })
})
