// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBootstrap } from '@nydus/rafs-format'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testErofs, whyNotErofs } from '../../src/index.ts'
import { type Child, startChild } from '../support/calls.ts'
import { fixtureBootstrap, mountableFixtures } from '../support/fixture.ts'
import { createMountpoint, describeMounted, isMounted, removeMountpoints } from '../support/mounts.ts'

const verdict = await testErofs()
const describeErofs: typeof describeMounted = (name, tests) => {
  if (verdict.usable) describeMounted(name, tests)
  else console.warn(`skipped: ${name}: ${verdict.reason}`)
}
/** Empty ones mount nothing but a root; the rest shows each kind of inode. */
const cases = mountableFixtures().filter(
  ({ id }) => whyNotErofs(openBootstrap(fixtureBootstrap(id))) === undefined,
)

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await condition()) return
    await sleep(10)
  }
  throw new Error('waited for five seconds')
}

describeErofs('mountErofs', () => {
  let server: Child
  let fuseServer: Child
  let viewer: Child
  beforeAll(() => {
    server = startChild('serve-erofs')
    fuseServer = startChild('serve')
    viewer = startChild('look')
  })
  afterAll(() => {
    for (const child of [server, fuseServer, viewer]) child.process.kill('SIGKILL')
    removeMountpoints()
  })

  it('has fixtures', () => expect(cases.length).toBeGreaterThan(50))

  for (const [index, { id }] of cases.entries()) {
    it(`shows ${id} as the fuse plane does`, async () => {
      const [mountpoint, fuseMountpoint] = [createMountpoint(), createMountpoint()]
      const from = index % 2 === 0 ? { bootstrapIn: tmpdir() } : {}
      await server.call('mount', { fixture: id, mountpoint, mode: 'lazy', ...from })
      await fuseServer.call('mount', { fixture: id, mountpoint: fuseMountpoint, mode: 'ready' })
      const found = await viewer.call('list', mountpoint)
      expect(found).toEqual(await viewer.call('list', fuseMountpoint))
      await fuseServer.call('unmount', fuseMountpoint)
      await fuseServer.call('closed', fuseMountpoint)
      await server.call('unmount', mountpoint)
      await server.call('closed', mountpoint)
      expect(isMounted(mountpoint)).toBe(false)
    })
  }

  it('fetches what is read and no more than once', async () => {
    const mountpoint = createMountpoint()
    await server.call('mount', { fixture: 'mixed-tar-v6-zstd-blake3', mountpoint, mode: 'lazy' })
    expect(await server.call('fills', mountpoint)).toEqual([])
    execFileSync('cat', [`${mountpoint}/random`])
    const fills = await server.call<readonly unknown[]>('fills', mountpoint)
    expect(fills.length).toBeGreaterThan(0)
    execFileSync('cat', [`${mountpoint}/random`])
    expect(await server.call('fills', mountpoint)).toEqual(fills)
    await server.call('unmount', mountpoint)
  })

  it('answers EIO, never zeros, for what cannot be fetched, and nothing else suffers', async () => {
    const mountpoint = createMountpoint()
    await server.call('mount', { fixture: 'mixed-tar-v6-zstd-blake3', mountpoint, mode: 'failing' })
    expect(await viewer.call('readError', `${mountpoint}/random`)).toBe('EIO')
    expect(await server.call<number>('failures')).toBeGreaterThan(0)
    expect(execFileSync('ls', [`${mountpoint}/modes`], { encoding: 'utf8' })).not.toBe('')
    await server.call('unmount', mountpoint)
  })

  it('keeps its devices while a file of a detached mount is open', async () => {
    const mountpoint = createMountpoint()
    await server.call('mount', { fixture: 'mixed-tar-v6-zstd-blake3', mountpoint, mode: 'lazy' })
    await viewer.call('hold', `${mountpoint}/random`)
    await server.call('unmount', mountpoint)
    expect(isMounted(mountpoint)).toBe(false)
    expect(await server.call('isClosed', mountpoint)).toBe(false)
    expect(await viewer.call<number>('readHeld')).toBeGreaterThan(0)
    await viewer.call('letGo')
    await until(() => server.call('isClosed', mountpoint))
  })

  it('notices that somebody else has unmounted', async () => {
    const mountpoint = createMountpoint()
    await server.call('mount', { fixture: 'tiny-tar-v6', mountpoint, mode: 'lazy' })
    expect(await server.call('isClosed', mountpoint)).toBe(false)
    execFileSync('umount', [mountpoint])
    await server.call('closed', mountpoint)
  })

  it('mounts a bootstrap that lies on overlayfs', async () => {
    const base = mkdtempSync(join(tmpdir(), 'fuse-fs-overlay-'))
    const [lower, upper, work, merged] = ['l', 'u', 'w', 'm'].map((part) => join(base, part))
    for (const part of [lower, upper, work, merged]) mkdirSync(part as string)
    execFileSync('mount', ['-t', 'tmpfs', 'none', upper as string])
    for (const part of ['u', 'w']) mkdirSync(join(upper as string, part))
    const options = `lowerdir=${lower},upperdir=${upper}/u,workdir=${upper}/w`
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged as string])
    const mountpoint = createMountpoint()
    try {
      await server.call('mount', { fixture: 'tiny-tar-v6', mountpoint, mode: 'lazy', bootstrapIn: merged })
      expect(await viewer.call('readError', `${mountpoint}/b`)).toBeUndefined()
      await server.call('unmount', mountpoint)
    } finally {
      execFileSync('umount', [merged as string])
      execFileSync('umount', [upper as string])
      rmSync(base, { recursive: true })
    }
  })

  it('fails with what the kernel says and leaves no device behind', async () => {
    const mountpoint = createMountpoint()
    await expect(
      server.call('mount', { fixture: 'mixed-tar-v5-zstd-blake3', mountpoint, mode: 'lazy' }),
    ).rejects.toMatchObject({ code: 'ERR_FUSE_MOUNT_FAILED' })
    expect(isMounted(mountpoint)).toBe(false)
  })
})

describeErofs('a killed process', () => {
  afterAll(removeMountpoints)

  it('leaves cached pages readable and answers EIO for the rest', async () => {
    const server = startChild('serve-erofs')
    const mountpoint = createMountpoint()
    await server.call('mount', { fixture: 'mixed-tar-v6-zstd-blake3', mountpoint, mode: 'lazy' })
    const viewer = startChild('look')
    expect(await viewer.call('readError', `${mountpoint}/random-small`)).toBeUndefined()
    server.process.kill('SIGKILL')
    await server.exited
    expect(await viewer.call('readError', `${mountpoint}/random-small`)).toBeUndefined()
    expect(await viewer.call('readError', `${mountpoint}/random`)).toBe('EIO')
    viewer.process.kill('SIGKILL')
  })
})
