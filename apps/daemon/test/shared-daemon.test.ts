// SPDX-License-Identifier: Apache-2.0
/** A daemon without an image at the start: images come and go through the API, under the real kernel. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runNydusctl } from '../src/nydusctl/run-nydusctl.ts'
import { type Scratch, scratch } from './fixtures.ts'
import { call, type Nydusd, runNydusd, startNydusd } from './nydusd-process.ts'

const reason = process.getuid?.() !== 0 ? 'not root' : !existsSync('/dev/fuse') ? 'no /dev/fuse' : undefined
if (reason !== undefined) console.log(`SKIPPED: mounts of nydusd need the kernel: ${reason}`)

const IMAGES = fileURLToPath(new URL('../../../fixtures/api/image/', import.meta.url))
const LARGE_SHA256 = sha256(
  Buffer.from(
    Array.from({ length: 81_920 }, (_, i) => `${String(i).padStart(7, '0')} abcdefghijklmnopqrstuvw\n`).join(
      '',
    ),
  ),
)

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function configFor(directory: Scratch, id: string, more: object = {}): string {
  return JSON.stringify({
    device: {
      id,
      backend: { type: 'localfs', config: { dir: `${IMAGES}blobs` } },
      cache: { type: 'blobcache', config: { work_dir: directory.path(`cache${id.replaceAll('/', '-')}`) } },
    },
    mode: 'direct',
    ...more,
  })
}

interface Shared {
  readonly directory: Scratch
  readonly nydusd: Nydusd
  readonly mnt: (path: string) => string
  /** Status and body. */
  readonly send: (method: string, path: string, body?: object) => ReturnType<typeof call>
  readonly mount: (at: string, boot?: string, more?: object) => Promise<number>
}

async function started(...args: string[]): Promise<Shared> {
  const directory = scratch()
  onTestFinished(() => {
    spawnSync('umount', ['-l', directory.path('mnt')])
    directory.remove()
  })
  const socket = directory.path('api.sock')
  const nydusd = startNydusd(['fuse', '-M', directory.path('mnt'), '-A', socket, ...args])
  onTestFinished(() => nydusd.kill('SIGKILL'))
  await nydusd.running(socket)
  const send: Shared['send'] = (method, path, body) =>
    call(socket, method, `/api/v1/${path}`, body === undefined ? undefined : JSON.stringify(body))
  return {
    directory,
    nydusd,
    send,
    mnt: (path) => directory.path('mnt') + path,
    async mount(at, boot = 'v6.boot', more = {}) {
      const config = configFor(directory, at, more)
      const body = { fs_type: 'rafs', source: IMAGES + boot, config }
      return (await send('POST', `mount?mountpoint=${at}`, body)).status
    },
  }
}

async function json(reply: ReturnType<typeof call>): Promise<Record<string, unknown>> {
  return JSON.parse((await reply).body) as Record<string, unknown>
}

function mountsBelow(path: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(path))
}

const planes = ['fuse', 'erofs'] as const

describe.skipIf(reason !== undefined)('a shared daemon', () => {
  it.each(planes)('mounts, shows and unmounts images in the %s plane', async (plane) => {
    const { mnt, mount, send, nydusd, directory } = await started('--data-plane', plane)
    expect(readdirSync(mnt(''))).toEqual([])
    expect(await mount('/a')).toBe(204)
    expect(await mount('/x/y/z')).toBe(204)
    expect(sha256(readFileSync(mnt('/a/large.bin')))).toBe(LARGE_SHA256)
    expect(sha256(readFileSync(mnt('/x/y/z/large.bin')))).toBe(LARGE_SHA256)
    const { backend_collection: listed } = await json(send('GET', 'daemon'))
    expect(listed).toMatchObject({ '/a': { mountpoint: '/a' }, '/x/y/z': { backend_type: 'Rafs' } })
    expect(await json(send('GET', 'daemon/health'))).toMatchObject({
      mounts: [{ mountpoint: '/a', data_plane: plane }, {}],
    })
    expect((await send('DELETE', 'mount?mountpoint=/a')).status).toBe(204)
    expect(readdirSync(mnt(''))).toEqual(['x'])
    expect(await mount('/a')).toBe(204)
    expect(readFileSync(mnt('/a/hello.txt'), 'utf8')).toBe('hello world\n')
    nydusd.kill('SIGTERM')
    expect((await nydusd.exited).status).toBe(0)
    expect(mountsBelow(directory.path('mnt'))).toEqual([])
    expect(existsSync(directory.path('api.sock'))).toBe(false)
  })

  it.each(planes)('refuses what cannot be, and keeps what is there, in the %s plane', async (plane) => {
    const { mnt, mount, send } = await started('--data-plane', plane)
    expect(await mount('/a')).toBe(204)
    expect(await mount('/a')).toBe(500)
    expect(await mount('/a/')).toBe(500)
    expect(await mount('relative')).toBe(500)
    expect(await mount('/b/../c')).toBe(500)
    expect(await mount('/none', 'missing.boot')).toBe(500)
    expect(await mount('/mode', 'v6.boot', { mode: 'other' })).toBe(500)
    const proc = { fs_type: 'rafs', source: `${IMAGES}v6.boot`, config: '' }
    expect((await send('POST', 'mount?mountpoint=/b', proc)).status).toBe(500)
    expect((await send('DELETE', 'mount?mountpoint=/b')).status).toBe(500)
    expect((await send('DELETE', 'mount?mountpoint=/')).status).toBe(500)
    expect(readdirSync(mnt(''))).toEqual(['a'])
    expect(readFileSync(mnt('/a/hello.txt'), 'utf8')).toBe('hello world\n')
  })

  it('does not hang on a cache directory that cannot be made', async () => {
    const { directory, send } = await started()
    const config = JSON.parse(configFor(directory, '/a')) as { device: { cache: { config: object } } }
    config.device.cache.config = { work_dir: '/proc/none/x' }
    const body = { fs_type: 'rafs', source: `${IMAGES}v6.boot`, config: JSON.stringify(config) }
    const reply = await send('POST', 'mount?mountpoint=/a', body)
    expect(reply).toMatchObject({ status: 500, body: expect.stringContaining('Failed to create device') })
  })

  it.each(planes)('replaces an image by another in the %s plane', async (plane) => {
    const { directory, mnt, mount, send } = await started('--data-plane', plane)
    expect(await mount('/a')).toBe(204)
    const remount = async (boot: string) => {
      const body = { fs_type: 'rafs', source: IMAGES + boot, config: configFor(directory, '/a') }
      return (await send('PUT', 'mount?mountpoint=/a', body)).status
    }
    expect(existsSync(mnt('/a/dir-1/added'))).toBe(false)
    expect(await remount('v6b.boot')).toBe(204)
    expect(statSync(mnt('/a/dir-1/added')).size).toBe(6)
    expect(await remount('v5.boot')).toBe(500)
    expect(await remount('missing.boot')).toBe(500)
    expect(statSync(mnt('/a/dir-1/added')).size).toBe(6)
  })

  it('unmounts an image with an open file at once', async () => {
    const { mnt, mount, send, nydusd } = await started('--data-plane', 'erofs')
    expect(await mount('/a')).toBe(204)
    const fd = openSync(mnt('/a/hello.txt'), 'r')
    expect((await send('DELETE', 'mount?mountpoint=/a')).status).toBe(204)
    expect(readFileSync(fd, 'utf8')).toBe('hello world\n')
    nydusd.kill('SIGTERM')
    expect((await nydusd.exited).status).toBe(0)
    closeSync(fd)
  })

  it('takes an image from its list that somebody else has unmounted', async () => {
    const { mnt, mount, send } = await started()
    expect(await mount('/a')).toBe(204)
    expect(spawnSync('umount', [mnt('/a')]).status).toBe(0)
    await expect.poll(async () => (await json(send('GET', 'daemon'))).backend_collection).toEqual({})
  })

  it('exits when its mountpoint is unmounted, and by the API', async () => {
    const first = await started()
    expect(spawnSync('umount', [first.directory.path('mnt')]).status).toBe(0)
    expect((await first.nydusd.exited).status).toBe(0)
    const second = await started()
    expect(await second.mount('/a')).toBe(204)
    expect((await second.send('PUT', 'daemon/exit')).status).toBe(204)
    expect((await second.nydusd.exited).status).toBe(0)
    expect(mountsBelow(second.directory.path('mnt'))).toEqual([])
  })

  it('cleans up after one that was killed, and not after one that lives', async () => {
    const { directory, mount, nydusd } = await started()
    expect(await mount('/a')).toBe(204)
    const args = ['fuse', '-M', directory.path('mnt'), '-A']
    const busy = await runNydusd([...args, directory.path('other.sock')])
    expect(busy).toMatchObject({ status: 1, stderr: expect.stringContaining('belongs to a running daemon') })
    nydusd.kill('SIGKILL')
    await nydusd.exited
    const next = startNydusd([...args, directory.path('api.sock')])
    onTestFinished(() => next.kill('SIGKILL'))
    await next.running(directory.path('api.sock'))
    expect(readdirSync(directory.path('mnt'))).toEqual([])
    next.kill('SIGTERM')
    expect((await next.exited).status).toBe(0)
  })

  it('counts what is read', async () => {
    const { mnt, mount, send } = await started()
    expect(await mount('/a')).toBe(204)
    readFileSync(mnt('/a/large.bin'))
    expect(await json(send('GET', 'metrics'))).toMatchObject({ id: '/a', data_read: 2_621_440 })
    const backend = await json(send('GET', 'metrics/backend'))
    expect(backend.read_count).toBeGreaterThan(0)
    expect(backend.read_amount_total).toBeGreaterThan(0)
    const cache = await json(send('GET', 'metrics/blobcache?id=/a'))
    expect(cache).toMatchObject({ data_all_ready: expect.any(Boolean), entries_count: expect.any(Number) })
    expect(readdirSync(String(cache.store_path))).toEqual(
      expect.arrayContaining(cache.underlying_files as string[]),
    )
  })

  it('keeps accounts of files for those who ask, whatever the plane', async () => {
    const { mnt, mount, send } = await started('--data-plane', 'auto')
    const asked = { iostats_files: true, access_pattern: true, latest_read_files: true }
    expect(await mount('/a', 'v6.boot', asked)).toBe(204)
    readFileSync(mnt('/a/large.bin'))
    const { ino } = statSync(mnt('/a/large.bin'))
    const files = await json(send('GET', 'metrics/files'))
    expect(files[ino]).toMatchObject({ data_read: 2_621_440 })
    expect(await json(send('GET', 'metrics/pattern'))).toMatchObject([{ ino }])
    expect(await json(send('GET', 'metrics/files?latest=true'))).toEqual([[ino]])
    expect(await json(send('GET', 'metrics/files?latest=true'))).toEqual([])
  })

  it('shows a directory read-only, and an image at a virtual mountpoint', async () => {
    const { mnt, send } = await started()
    const body = { fs_type: 'passthrough_fs', source: IMAGES, config: '' }
    expect((await send('POST', 'mount?mountpoint=/pass', body)).status).toBe(204)
    expect(readdirSync(mnt('/pass')).sort()).toEqual(['blobs', 'v5.boot', 'v6.boot', 'v6b.boot'])
    expect(() => openSync(mnt('/pass/new'), 'w')).toThrow('EROFS')
    const virtual = await started('-B', `${IMAGES}v6.boot`, '-D', `${IMAGES}blobs`, '-m', '/virt')
    expect(readdirSync(virtual.mnt(''))).toEqual(['virt'])
    expect(readFileSync(virtual.mnt('/virt/hello.txt'), 'utf8')).toBe('hello world\n')
  })

  it('is controlled with nydusctl', async () => {
    const { directory, mnt, mount } = await started()
    expect(await mount('/a')).toBe(204)
    const control = async (...argv: string[]) => {
      let text = ''
      const print = (piece: string): void => {
        text += piece
      }
      const status = await runNydusctl(['-S', directory.path('api.sock'), ...argv], {
        out: print,
        err: print,
      })
      return { status, text }
    }
    expect(await control('info')).toMatchObject({
      status: 0,
      text: expect.stringMatching(
        /Status: {17}"RUNNING"[\s\S]*\tInstance Mountpoint: {2}\/a\n\tType: {2}Rafs\n/,
      ),
    })
    expect(JSON.parse((await control('-r', 'info')).text)).toMatchObject({ state: 'RUNNING' })
    for (const category of ['backend', 'cache', 'fsstats'])
      expect(await control('metrics', category)).toMatchObject({
        status: 0,
        text: expect.stringMatching(/\d/),
      })
    expect(await control('set', 'log-level', 'warn')).toEqual({ status: 0, text: '' })
    expect(await control('umount', '-m', '/none')).toEqual({
      status: 1,
      text: `Error: Request failed. Object {"code": String("UNDEFINED"), "message": String("Mount(MountFilesystem(Other(\\"object or filesystem doesn't exist\\")))")}\n`,
    })
    expect(await control('umount', '-m', '/a')).toEqual({ status: 0, text: '' })
    expect(readdirSync(mnt(''))).toEqual([])
  })
})
