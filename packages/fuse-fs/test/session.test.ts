// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { mountAt, readMounts } from '../src/mountpoint.ts'
import { type Child, startChild } from './support/calls.ts'
import { fixtureListing, mountableFixtures, NO_BOOTSTRAP } from './support/fixture.ts'
import { createMountpoint, describeMounted, isMounted, removeMountpoints } from './support/mounts.ts'
import type { ServeOptions } from './support/serve.ts'

const FIXTURE = 'mixed-tar-v6-zstd-blake3'

describeMounted('a mounted session', () => {
  let server: Child
  let viewer: Child
  let mountpoint: string
  beforeEach(() => {
    server = startChild('serve')
    viewer = startChild('look')
    mountpoint = createMountpoint()
  })
  afterEach(() => {
    server.process.kill('SIGKILL')
    viewer.process.kill('SIGKILL')
  })
  afterAll(removeMountpoints)

  const mount = (options: Partial<ServeOptions> = {}): Promise<string> =>
    server.call('mount', { fixture: FIXTURE, mountpoint, mode: 'ready', ...options })
  const closed = (): Promise<readonly { kind: string; reason?: string }[]> =>
    server.call('closed', mountpoint)

  it('shows in the mount table as the original does', async () => {
    await mount()
    const line = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((text) => text.includes(` ${mountpoint} `))
    expect(line).toContain(' ro,nosuid,nodev,noatime ')
    expect(line).toContain(
      ' - fuse rafs ro,user_id=0,group_id=0,default_permissions,allow_other,max_read=1052672',
    )
  })

  it('unmounts, twice without harm, and tells why it closed', async () => {
    await mount()
    await Promise.all([server.call('unmount', mountpoint), server.call('unmount', mountpoint)])
    expect(await closed()).toEqual([{ kind: 'ready' }, { kind: 'closed', reason: 'unmounted' }])
    expect(isMounted(mountpoint)).toBe(false)
    await mount()
    expect(await viewer.call('names', mountpoint)).toContain('sizes')
  })

  it('closes when somebody else unmounts', async () => {
    await mount()
    expect(spawnSync('umount', [mountpoint]).status).toBe(0)
    expect(await closed()).toContainEqual({ kind: 'closed', reason: 'kernel' })
  })

  it('closes after umount -l when the last open file is closed, and serves it until then', async () => {
    await mount()
    await viewer.call('hold', join(mountpoint, 'random'))
    expect(spawnSync('umount', ['-l', mountpoint]).status).toBe(0)
    expect(await viewer.call('heldError')).toBeUndefined()
    viewer.process.kill('SIGKILL')
    expect(await closed()).toContainEqual({ kind: 'closed', reason: 'kernel' })
  })

  it('gives an error to who still has a file open when it unmounts', async () => {
    await mount()
    await viewer.call('hold', join(mountpoint, 'sparse'))
    await server.call('unmount', mountpoint)
    expect(await viewer.call('heldError')).toMatch(/^(ENOTCONN|ECONNABORTED)$/)
  })

  it('closes and detaches when the connection is aborted', async () => {
    await mount()
    const device = mountAt(readMounts(), mountpoint)?.device.split(':')[1] ?? 'none'
    const control = `/sys/fs/fuse/connections/${device}/abort`
    if (spawnSync('test', ['-w', control]).status !== 0)
      spawnSync('mount', ['-t', 'fusectl', 'fusectl', '/sys/fs/fuse/connections'])
    writeFileSync(control, '1')
    expect(await closed()).toContainEqual({ kind: 'closed', reason: 'kernel' })
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('leaves a mount alone that took its place', async () => {
    await mount()
    // The kernel gives the number of a file system that is gone to the next one, so numbers do not tell.
    spawnSync('sh', ['-c', 'umount -l "$0" && mount -t tmpfs tmpfs "$0"', mountpoint])
    await server.call('unmount', mountpoint)
    await closed()
    expect(mountAt(readMounts(), mountpoint)?.type).toBe('tmpfs')
  })

  it('refuses a mountpoint that is mounted already, also by a dead process', async () => {
    await mount()
    const second = startChild('serve')
    const attempt = { fixture: FIXTURE, mountpoint, mode: 'ready' } as const
    const busy = {
      code: 'ERR_FUSE_MOUNT_FAILED',
      message: expect.stringContaining('busy'),
      hint: expect.stringContaining('umount'),
    }
    await expect(second.call('mount', attempt)).rejects.toMatchObject(busy)
    server.process.kill('SIGKILL')
    await server.exited
    expect(() => statSync(mountpoint)).toThrow('ENOTCONN')
    await expect(second.call('mount', attempt)).rejects.toMatchObject(busy)
    second.process.kill('SIGKILL')
  })

  it('refuses a mountpoint that is missing and a bootstrap that is none, and leaves nothing', async () => {
    await expect(mount({ mountpoint: `${mountpoint}/none` })).rejects.toMatchObject({
      code: 'ERR_FUSE_MOUNT_FAILED',
    })
    await expect(mount({ fixture: NO_BOOTSTRAP })).rejects.toMatchObject({
      code: 'ERR_FORMAT_BAD_MAGIC',
    })
    await expect(mount({ workers: 0 })).rejects.toThrow('workers is 0')
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('unmounts when its signal is aborted', async () => {
    await mount()
    await server.call('abort', mountpoint)
    expect(await closed()).toContainEqual({ kind: 'closed', reason: 'unmounted' })
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('gives back every descriptor and thread', async () => {
    await mount({ workers: 3 })
    await server.call('unmount', mountpoint)
    await closed()
    const before = await server.call('resources')
    for (let round = 0; round < 5; round += 1) {
      await mount({ workers: 3 })
      await viewer.call('names', mountpoint)
      await server.call('unmount', mountpoint)
      await closed()
    }
    expect(await server.call('resources')).toEqual(before)
  })

  it('lets the process exit at once, and leaves no mount behind', async () => {
    await mount({ workers: 4 })
    server.call('exit').catch(() => {})
    expect(await server.exited).toBe(0)
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('lets a process end that crashes', async () => {
    server.process.kill('SIGKILL')
    server = startChild('serve', { quiet: true })
    await mount()
    server.call('crash').catch(() => {})
    expect(await server.exited).not.toBe(0)
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('dies with its process: readers get an error, and umount -l cleans up', async () => {
    await mount({ mode: 'hanging' })
    const reading = viewer.call('readError', join(mountpoint, 'random'))
    while ((await server.call<{ pending: number }>('stats', mountpoint)).pending === 0);
    server.process.kill('SIGKILL')
    expect(await reading).toMatch(/^(ENOTCONN|ECONNABORTED|EIO)$/)
    expect(spawnSync('umount', ['-l', mountpoint]).status).toBe(0)
  })

  it('closes while a fetch hangs', async () => {
    await mount({ mode: 'hanging' })
    const reading = viewer.call('readError', join(mountpoint, 'random'))
    while ((await server.call<{ pending: number }>('stats', mountpoint)).pending === 0);
    await server.call('unmount', mountpoint)
    expect(await reading).toMatch(/^(ENOTCONN|ECONNABORTED|EIO)$/)
    await closed()
  })

  it('answers EIO when data cannot be had, tells why, and recovers', async () => {
    await mount({ mode: 'failing' })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await viewer.call('readError', join(mountpoint, 'random-small'))).toBe('EIO')
    }
    const failures = await server.call<readonly { message: string; errno: number }[]>('failures', mountpoint)
    expect(failures.map((failure) => failure.message)).toContain('blob 0 cannot be opened')
    expect(failures.map((failure) => failure.message)).toContain('the registry is gone')
    expect(new Set(failures.map((failure) => failure.errno))).toEqual(new Set([5]))
    expect(await viewer.call('readError', join(mountpoint, 'sizes/empty'))).toBeUndefined()
  })

  it('answers EIO and never zeros when the decoded file is shorter than its map', async () => {
    await mount({ mode: 'empty-file' })
    expect(await viewer.call('readError', join(mountpoint, 'random'))).toBe('EIO')
    const failures = await server.call<readonly { message: string }[]>('failures', mountpoint)
    expect(failures[0]?.message).toMatch(/expected at 0x[0-9a-f]+ of the decoded file, found 0/)
  })

  it('gives every reader its own bytes when many miss at once', async () => {
    await mount({ mode: 'lazy', delayMs: 5, workers: 4 })
    const fixture = mountableFixtures().find(({ id }) => id === FIXTURE)
    const files =
      fixture === undefined
        ? []
        : fixtureListing(fixture).filter((line) => line.type === 'reg' && Number(line.size) > 0)
    const viewers = [viewer, startChild('look'), startChild('look')]
    const digests = viewers.flatMap((one, index) =>
      [...files, ...files].map(async (_, turn) => {
        const file = files[(turn * (index + 1)) % files.length]
        return [file?.sha256, await one.call('digest', join(mountpoint, String(file?.path)))]
      }),
    )
    for (const [expected, found] of await Promise.all(digests)) expect(found).toBe(expected)
    for (const one of viewers) one.process.kill('SIGKILL')
    const stats = await server.call<Record<string, number>>('stats', mountpoint)
    expect(stats.misses).toBeGreaterThan(0)
    expect(stats.pending).toBe(0)
    expect(await server.call('failures', mountpoint)).toEqual([])
  })

  it('asks for nothing but what is read', async () => {
    await mount({ mode: 'lazy' })
    await viewer.call('digest', join(mountpoint, 'random-small'))
    const fills = await server.call<readonly { length: number }[]>('fills', mountpoint)
    expect(fills.map((fill) => fill.length)).toEqual([700])
  })

  it('reads any piece of a file', async () => {
    await mount({ mode: 'lazy' })
    const path = join(mountpoint, 'dedup/three')
    const size = 3_145_728
    await viewer.call('digest', path)
    const pieces = [0, 1, 4095, 1_048_575, 1_048_577, size - 1, size, size + 5].map((offset) => ({
      path,
      offset,
      length: 70_000,
    }))
    const found = await viewer.call<readonly string[]>('pieces', pieces)
    await server.call('unmount', mountpoint)
    await closed()
    await mount({ mode: 'ready' })
    expect(await viewer.call('pieces', pieces)).toEqual(found)
    expect(found[6]).toBe(createHash('sha256').digest('hex'))
  })

  it('answers statfs and the errors of xattrs', async () => {
    await mount()
    expect(await viewer.call('statfs', mountpoint)).toMatchObject({
      bsize: 512,
      files: expect.any(Number),
      blocks: 0,
    })
    const path = join(mountpoint, 'xa')
    expect(await viewer.call('xattrErrno', { path, name: 'user.k', size: 1 })).toBe(34)
    expect(await viewer.call('xattrErrno', { path, name: '', size: 1 })).toBe(34)
    expect(await viewer.call('xattrErrno', { path, name: 'user.none', size: 10 })).toBe(61)
    expect(await viewer.call('xattrErrno', { path, name: 'user.k', size: 2 })).toBe(0)
  })

  it('shows the root as stored unless compatAttrs is set', async () => {
    await mount()
    expect((await viewer.call<number>('mode', mountpoint)) & 0o7777).toBe(0o750)
    await server.call('unmount', mountpoint)
    await closed()
    await mount({ compatAttrs: true })
    expect((await viewer.call<number>('mode', mountpoint)) & 0o7777).toBe(0o755)
  })
})
