// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBootstrap } from '@nydus/rafs-format'
import { afterAll, expect, it } from 'vitest'
import { startChild } from './support/calls.ts'
import { fixtureBlob, fixtureBootstrap } from './support/fixture.ts'
import { createMemoryBlobs } from './support/memory-blobs.ts'
import { createMountpoint, describeMounted, isMounted, removeMountpoints } from './support/mounts.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))

describeMounted('the example of the README', () => {
  // In the package, where it finds the package by its own name.
  const script = join(PACKAGE, 'test', `.readme-${process.pid}.mts`)
  const directory = mkdtempSync(join(tmpdir(), 'readme-'))
  afterAll(() => {
    rmSync(script)
    rmSync(directory, { recursive: true })
    removeMountpoints()
  })

  it('mounts and unmounts on SIGINT', async () => {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(PACKAGE, 'README.md'), 'utf8')) ?? []
    writeFileSync(script, example)
    const bootstrap = fixtureBootstrap('tiny-tar-v6')
    writeFileSync(join(directory, 'boot'), bootstrap)
    const blobs = createMemoryBlobs(openBootstrap(bootstrap), fixtureBlob, 'ready')
    copyFileSync(`/proc/self/fd/${(await blobs.open(0)).fd}`, join(directory, 'data'))
    blobs.close()

    const mountpoint = createMountpoint()
    const args = [
      '--conditions=@nydus/source',
      script,
      join(directory, 'boot'),
      join(directory, 'data'),
      mountpoint,
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const viewer = startChild('look')
    expect(await viewer.call('digest', join(mountpoint, 'b'))).toBe(
      'ff29ee7dd4499e62407622c6cf0f58e51b043af5bdb6cd2dda7d376e33cf61ae',
    )
    viewer.process.kill()
    child.kill('SIGINT')
    expect(await exited).toBe(0)
    expect(isMounted(mountpoint)).toBe(false)
  })
})
