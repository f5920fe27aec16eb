// SPDX-License-Identifier: Apache-2.0
/** mountImage() as a library: in this process, so everything that touches the mount is asynchronous. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ImageEvent, localBackend, type MountImageOptions, mountImage } from '../src/index.ts'
import { fixture, load, scratch, unpackImage } from './fixtures.ts'
import { isMounted } from './nydusd-process.ts'

const reason = process.getuid?.() !== 0 ? 'not root' : !existsSync('/dev/fuse') ? 'no /dev/fuse' : undefined
if (reason !== undefined) console.log(`SKIPPED: mountImage() needs the kernel: ${reason}`)

function image(id: string): {
  options: MountImageOptions
  events: ImageEvent[]
  mountpoint: string
  cacheDir: string
} {
  const directory = scratch()
  onTestFinished(() => {
    spawnSync('umount', ['-l', directory.path('mnt')])
    directory.remove()
  })
  unpackImage(id, directory)
  const events: ImageEvent[] = []
  const [mountpoint, cacheDir] = [directory.path('mnt'), directory.path('cache')]
  const options = {
    bootstrap: directory.path('image.boot'),
    backend: localBackend({ dir: directory.path('blobs') }),
    cacheDir,
    mountpoint,
    onEvent: (event: ImageEvent) => events.push(event),
  }
  return { options, events, mountpoint, cacheDir }
}

describe.skipIf(reason !== undefined)('mountImage', () => {
  it('mounts from bytes or from a path, tells what it fetches, and unmounts', async () => {
    const { options, events, mountpoint } = image('mixed-tar-v6-zstd-blake3')
    const bootstrap = fixture('mixed-tar-v6-zstd-blake3').outputs.bootstrap
    if (bootstrap === undefined) throw new Error('no bootstrap')
    for (const given of [options.bootstrap, load(bootstrap)]) {
      const mounted = await mountImage({ ...options, bootstrap: given })
      expect(isMounted(mountpoint)).toBe(true)
      expect(await readFile(`${mountpoint}/text`)).toHaveLength(13500)
      expect(mounted.stats().fuse.reads).toBeGreaterThan(0)
      await mounted.unmount()
      await mounted.closed
      await mounted.unmount()
      expect(isMounted(mountpoint)).toBe(false)
    }
    // The second mount found everything in the cache.
    expect(events.map(({ kind }) => kind)).toEqual(['ready', 'fetch', 'fetch', 'closed', 'ready', 'closed'])
  })

  it('unmounts when its signal aborts, and does not start after that', async () => {
    const { options, mountpoint } = image('tiny-tar-v6')
    const stop = new AbortController()
    const mounted = await mountImage({ ...options, signal: stop.signal })
    stop.abort(new Error('stop'))
    await mounted.closed
    expect(isMounted(mountpoint)).toBe(false)
    await expect(mountImage({ ...options, signal: stop.signal })).rejects.toThrow('stop')
  })

  it('serves right bytes from a full cache directory, tells once, and keeps nothing wrong', async () => {
    const { options, events, mountpoint, cacheDir } = image('mixed-tar-v6-zstd-blake3')
    mkdirSync(cacheDir, { recursive: true })
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', cacheDir])
    onTestFinished(() => void spawnSync('umount', ['-l', cacheDir]))
    const names = ['random', 'text', 'random-small', 'dedup/three']
    // One after the other: reads that wait for this process must leave it threads to write with.
    const readAll = async () => {
      const files: Buffer[] = []
      for (const name of names) files.push(await readFile(`${mountpoint}/${name}`))
      return files
    }
    const full = await mountImage(options)
    const found = await readAll()
    expect(full.stats().fuse).toMatchObject({ failures: 0, pending: 0 })
    await full.unmount()
    expect(events.filter(({ kind }) => kind === 'full')).toHaveLength(1)
    // What did fit is used by the next mount, what did not is fetched there.
    spawnSync('mount', ['-o', 'remount,size=64m', cacheDir])
    const roomy = await mountImage(options)
    const expected = await readAll()
    await roomy.unmount()
    expect(found.map((bytes, index) => bytes.equals(expected[index] as Buffer))).toEqual(
      names.map(() => true),
    )
    expect(events.filter(({ kind }) => kind === 'full')).toHaveLength(1)
  })

  it('makes one read wait, not the mount, for a source that hangs', async () => {
    const { options, mountpoint } = image('mixed-tar-v6-zstd-blake3')
    const hanging = {
      sourceOf: ({ blobId }: { blobId: string }) => ({
        blobId,
        read: (_: unknown, { signal }: { signal?: AbortSignal }) =>
          new Promise<Uint8Array>((_resolve, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason)),
          ),
      }),
      close: async () => {},
    }
    const mounted = await mountImage({ ...options, backend: hanging })
    const read = readFile(`${mountpoint}/text`).catch((error: unknown) => error)
    expect(await readFile(`${mountpoint}/sizes/empty`)).toHaveLength(0)
    await mounted.unmount()
    expect(await read).toBeInstanceOf(Error)
    expect(isMounted(mountpoint)).toBe(false)
  })
})
