// SPDX-License-Identifier: Apache-2.0
/** What the machine does wrong: no space, no permission, a mountpoint in use (root, to set these up). */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectFailure } from './src/failure.ts'
import { isMounted, READY, startMount } from './src/foreground.ts'
import { must, reasonToSkip, run } from './src/run.ts'
import { putSmallImage } from './src/small-image.ts'

const skip = reasonToSkip(['mount', 'umount', 'setpriv'])
const NOBODY = 65_534

describe.skipIf(skip !== undefined)(`a bad machine${skip === undefined ? '' : ` (${skip})`}`, () => {
  let registry: TestRegistry
  let work: string
  const at = (name: string) => join(work, name)
  const reference = (tag: string) => `${registry.host}/image:${tag}`
  const convert = (target: string, workDir: string) => [
    ...['nydus', 'convert', '--source', reference('v1'), '--target', target],
    ...['--plain-http', '--work-dir', workDir],
  ]
  const mount = (cache: string) => [
    ...['nydus', 'mount', reference('nydus'), at('mnt'), '--plain-http', '--cache-dir', at(cache)],
  ]
  const asNobody = (command: readonly string[]) => [
    ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'env', `HOME=${at('home')}`],
    ...command,
  ]

  beforeAll(async () => {
    registry = await startRegistry()
    putSmallImage(registry, 'image', 'v1')
    work = mkdtempSync(join(tmpdir(), 'nydus-bad-machine-'))
    chmodSync(work, 0o755)
    for (const name of ['small', 'mnt', 'home']) mkdirSync(at(name))
    chownSync(at('home'), NOBODY, NOBODY)
    await must(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at('small')])
    await must(convert(reference('nydus'), at('tmp')))
  })
  afterAll(async () => {
    for (const name of ['mnt', 'small']) await run(['umount', '-l', at(name)])
    await registry?.close()
    rmSync(work, { recursive: true, force: true })
  })

  it('is full: the conversion says so and leaves no temporary file, whatever was full', async () => {
    expectFailure(await run(convert(reference('full'), at('small/tmp'))), 5, 'ERR_NO_SPACE')
    expect(readdirSync(at('small'))).toEqual([])
    expect(registry.tags('image')).not.toContain('full')
    expectFailure(await run(convert(`oci-archive:${at('small/image.tar')}:v1`, at('tmp'))), 5, 'ERR_NO_SPACE')
    expect(readdirSync(at('small'))).toEqual([])
    expectFailure(await run(convert(`oci:${at('small/layout')}:v1`, at('tmp'))), 5, 'ERR_NO_SPACE')
    expect(readdirSync(at('small'))).toEqual([])
  })

  it('has a full cache: says so, and serves every byte without caching it', async () => {
    const sum = ['sh', '-c', `cat ${at('mnt')}/data/*/* | sha256sum`]
    const full = await startMount(mount('small/cache'), at('mnt'), READY)
    const uncached = await must(sum)
    expect(await full.stop('SIGINT')).toBe(0)
    expect(full.output()).toMatch(/full|no space/i)
    const roomy = await startMount(mount('cache'), at('mnt'), READY)
    expect((await must(sum)).stdout).toBe(uncached.stdout)
    expect((await must(['sh', '-c', `cat ${at('mnt')}/data/*/* | wc -c`])).stdout.trim()).toMatch(/^\d{7}$/)
    expect(await roomy.stop('SIGINT')).toBe(0)
  })

  it('has the mountpoint in use: the first mount goes on', async () => {
    const first = await startMount(mount('cache'), at('mnt'), READY)
    expectFailure(await run(mount('other-cache')), 5, 'ERR_FUSE_MOUNT_FAILED')
    expect(isMounted(at('mnt'))).toBe(true)
    // Not `readFileSync`: the registry that has the bytes is in this process.
    expect((await must(['cat', join(at('mnt'), 'etc/motd')])).stdout).toBe('welcome\n')
    expect(await first.stop('SIGTERM')).toBe(0)
    expect(isMounted(at('mnt'))).toBe(false)
  })

  it('gives no permission: neither for the work directory nor for the mount', async () => {
    expectFailure(await run(asNobody(convert(reference('nobody'), at('tmp')))), 5, 'ERR_BUILD_IO')
    expectFailure(await run(asNobody(mount('home/cache'))), 5, 'ERR_FUSE_PERMISSION')
    expect(isMounted(at('mnt'))).toBe(false)
  })

  it('ends a mount from outside: the command ends by itself with 0', async () => {
    const mounted = await startMount(mount('cache'), at('mnt'), READY)
    await must(['umount', at('mnt')])
    expect(await mounted.ended()).toBe(0)
  })
})
