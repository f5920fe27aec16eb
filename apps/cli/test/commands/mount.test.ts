// SPDX-License-Identifier: Apache-2.0
/** Real mounts: as root, where there is /dev/fuse. */
import { accessSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { NydusError } from '@nydus/base/error'
import { buildTar, putImage, startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/index.ts'

function canMount(): boolean {
  try {
    accessSync('/dev/fuse')
    return process.geteuid?.() === 0
  } catch {
    return false
  }
}

describe.runIf(canMount())('nydus mount', () => {
  let registry: TestRegistry
  let image: string
  const directory = mkdtempSync(join(tmpdir(), 'nydus-test-'))
  const mountpoint = join(directory, 'mnt')

  beforeAll(async () => {
    registry = await startRegistry()
    putImage(registry, 'app', '1', [buildTar([{ path: 'a', content: Buffer.alloc(100_000, 'a') }])])
    image = `${registry.host}/app:1-nydus`
    mkdirSync(mountpoint)
    const source = `${registry.host}/app:1`
    const { status } = await call(['convert', '--source', source, '--target', image], new AbortController())
    expect(status).toBe(0)
  })
  afterAll(async () => {
    await registry.close()
    rmSync(directory, { recursive: true })
  })

  async function call(argv: readonly string[], controller: AbortController) {
    let stderr = ''
    const status = await run([...argv, '--plain-http', '--work-dir', join(directory, 'work')], {
      calledAs: 'nydus',
      stdin: Readable.from([]),
      stdout: { write: () => true },
      stderr: { write: (text) => (stderr += text) },
      env: {},
      signal: controller.signal,
    })
    return { status, stderr }
  }

  const isMounted = () => readFileSync('/proc/self/mounts', 'utf8').includes(` ${mountpoint} `)
  const interrupt = (controller: AbortController) =>
    controller.abort(new NydusError('ERR_INTERRUPTED', 'interrupted by SIGTERM'))

  it('ends with 0 when it is interrupted the moment the mount can be seen', async () => {
    const controller = new AbortController()
    let wasMounted = false
    const timer = setInterval(() => {
      if (!isMounted()) return
      wasMounted = true
      clearInterval(timer)
      interrupt(controller)
    }, 0)
    const { status } = await call(['mount', image, mountpoint], controller)
    clearInterval(timer)
    expect({ status, wasMounted, isMounted: isMounted() }).toEqual({
      status: 0,
      wasMounted: true,
      isMounted: false,
    })
    expect(readdirSync(directory)).toEqual(['mnt'])
  })

  it('ends with 130 when it is interrupted before anything is mounted', async () => {
    const controller = new AbortController()
    registry.fault({ on: { method: 'GET', kind: 'blob' }, action: { do: 'stall', afterBytes: 1 } })
    const running = call(['mount', image, mountpoint], controller)
    await expect.poll(() => registry.faults.pending).toEqual([])
    interrupt(controller)
    expect(await running).toMatchObject({ status: 130 })
    expect(readdirSync(directory)).toEqual(['mnt'])
  })

  it('prints why a read failed', async () => {
    const controller = new AbortController()
    const running = call(['mount', image, mountpoint], controller)
    await expect.poll(isMounted).toBe(true)
    registry.fault({ on: { method: 'GET', kind: 'blob' }, times: 100, action: { do: 'status', status: 404 } })
    expect(await readFile(join(mountpoint, 'a')).catch((error: Error) => error.message)).toContain('EIO')
    interrupt(controller)
    const { status, stderr } = await running
    expect(stderr).toMatch(/^READ of inode \d+ failed with EIO: .*404/m)
    expect(status).toBe(0)
  })
})
