// SPDX-License-Identifier: Apache-2.0
/** The second transport passes the golden listings but for what NATIVE_LIMITS names. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { NATIVE_LIMITS } from '../../src/fuse-native/mount-native.ts'
import { type Child, startChild } from '../support/calls.ts'
import { fixtureListing, mountableFixtures } from '../support/fixture.ts'
import { createMountpoint, describeMounted, isMounted, removeMountpoints } from '../support/mounts.ts'

type Line = Record<string, unknown>

/** A directory with the libfuse 2 that fuse-native brings, under the name that its addon asks the system for. */
function createLibraryDirectory(): string | undefined {
  try {
    const library = join(
      dirname(createRequire(import.meta.url).resolve('fuse-native')),
      'prebuilds/linux-x64/libfuse.so',
    )
    if (process.arch !== 'x64' || !existsSync(library) || spawnSync('fusermount', ['--version']).status !== 0)
      return undefined
    const directory = mkdtempSync(join(tmpdir(), 'libfuse-'))
    symlinkSync(library, join(directory, 'libfuse.so.2'))
    return directory
  } catch {
    return undefined
  }
}
const libraryDirectory = createLibraryDirectory()
if (libraryDirectory === undefined)
  console.warn('skipped: fuse-native: needs x64, the package and fusermount')

describeMounted('fuse-native', () => {
  let server: Child
  let viewer: Child
  let mountpoint: string
  const start = (preload?: string): void => {
    const env = { LD_LIBRARY_PATH: libraryDirectory ?? '' }
    server = startChild('serve', preload === undefined ? { env } : { env, preload })
  }
  beforeEach(() => {
    start()
    viewer = startChild('look')
    mountpoint = createMountpoint()
  })
  afterEach(() => {
    server.process.kill('SIGKILL')
    viewer.process.kill('SIGKILL')
  })
  afterAll(() => {
    removeMountpoints()
    if (libraryDirectory !== undefined) rmSync(libraryDirectory, { recursive: true })
  })

  /** Takes out what the transport cannot show. */
  function comparable(lines: readonly Line[], from: number): readonly Line[] {
    return lines.map((line) => {
      const isMountTime =
        line.mtime === 'mount-time' || (Number(line.mtime) >= from && Number(line.mtime) <= Date.now() / 1000)
      const milliseconds = Math.floor(Number(line.mtime_ns) / 1e6) * 1e6
      return { ...line, mtime_ns: milliseconds, mtime: isMountTime ? 'mount-time' : line.mtime }
    })
  }

  const ids = [
    'mixed-tar-v6-zstd-blake3',
    'types-tar-v6',
    'xattrs-tar-v6',
    'many-tar-v6',
    'layers-merge-v6-sep',
  ]
  for (const fixture of mountableFixtures().filter(({ id }) => ids.includes(id))) {
    it.runIf(libraryDirectory !== undefined)(`shows ${fixture.id}`, async () => {
      const from = Math.floor(Date.now() / 1000)
      await server.call('mount', {
        fixture: fixture.id,
        mountpoint,
        mode: 'lazy',
        compatAttrs: true,
        transport: 'fuse-native',
      })
      const found = await viewer.call<readonly Line[]>('list', mountpoint)
      expect(comparable(found, from)).toEqual(comparable(fixtureListing(fixture), from))
      const stats = await server.call<Line>('stats', mountpoint)
      expect(Number(stats.requests)).toBeGreaterThan(Number(stats.reads))
      await server.call('unmount', mountpoint)
      expect(await server.call('closed', mountpoint)).toEqual([
        { kind: 'ready' },
        { kind: 'closed', reason: 'unmounted' },
      ])
      expect(isMounted(mountpoint)).toBe(false)
    })
  }

  it.runIf(libraryDirectory !== undefined)('is taken by itself where koffi cannot be loaded', async () => {
    server.process.kill('SIGKILL')
    start('without-koffi')
    await server.call('mount', { fixture: 'tiny-tar-v6', mountpoint, mode: 'lazy' })
    expect(await server.call('transport', mountpoint)).toBe('fuse-native')
    expect(await viewer.call('names', mountpoint)).toEqual(['b', 'copy', 'dir', 'hard', 'link'])
    expect(spawnSync('umount', [mountpoint]).status).toBe(0)
    expect(await server.call('closed', mountpoint)).toContainEqual({ kind: 'closed', reason: 'kernel' })
  })

  it.runIf(libraryDirectory !== undefined)('answers EIO when data cannot be had', async () => {
    await server.call('mount', {
      fixture: 'tiny-tar-v6',
      mountpoint,
      mode: 'failing',
      transport: 'fuse-native',
    })
    expect(await viewer.call('readError', join(mountpoint, 'b'))).toBe('EIO')
    expect(await viewer.call('lstatError', join(mountpoint, 'none'))).toBe('ENOENT')
    server.call('exit').catch(() => {})
    await server.exited
    expect(isMounted(mountpoint)).toBe(false)
  })

  it('names its limits', () => expect(NATIVE_LIMITS.length).toBeGreaterThan(3))
})
