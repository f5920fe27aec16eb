// SPDX-License-Identifier: Apache-2.0
/** nydusd in the erofs data plane, under the real kernel. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { testErofs } from '@nydus/fuse-fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Scratch, scratch, unpackImage } from './fixtures.ts'
import { isMounted, type Nydusd, startNydusd } from './nydusd-process.ts'

const reason = await whyNot()
if (reason !== undefined) console.log(`SKIPPED: the erofs data plane of nydusd: ${reason}`)

async function whyNot(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root'
  if (!existsSync('/dev/fuse')) return 'no /dev/fuse'
  const verdict = await testErofs()
  return verdict.usable ? undefined : verdict.reason
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

async function mounted(directory: Scratch, plane: string): Promise<Nydusd> {
  const nydusd = startNydusd([
    ...['fuse', '--config', directory.path('config.json'), '--bootstrap', directory.path('image.boot')],
    ...[
      '--mountpoint',
      directory.path('mnt'),
      '--apisock',
      directory.path('api.sock'),
      '--data-plane',
      plane,
    ],
  ])
  onTestFinished(() => nydusd.kill('SIGKILL'))
  await nydusd.running(directory.path('api.sock'))
  return nydusd
}

/** Type of the file system, and a digest of all names, attributes and contents below the root. */
function look(directory: Scratch): { readonly type: string; readonly tree: string } {
  const root = directory.path('mnt')
  const type = execFileSync('stat', ['-f', '-c', '%T', root], { encoding: 'utf8' }).trim()
  const script =
    'find . -mindepth 1 -printf "%P %y %m %U %G %T@ %l %n\\n" | sort; find . -type f -exec sha256sum {} + | sort'
  return { type, tree: execFileSync('sh', ['-c', script], { cwd: root, encoding: 'utf8' }) }
}

async function stop(nydusd: Nydusd): Promise<string> {
  nydusd.kill('SIGTERM')
  const { status, stderr } = await nydusd.exited
  expect(status).toBe(0)
  return stderr
}

describe.skipIf(reason !== undefined)('nydusd --data-plane', () => {
  it.each([
    'mixed-tar-v6-zstd-blake3',
    'mixed-v6-batch-0x100000',
    'mixed-v6-encrypt',
    'mixed-zran-l6',
    'types-tar-v6',
    'layers-merge-v6-layers',
  ])('erofs shows the same tree of %s as fuse does', async (id) => {
    const directory = image(id)
    const erofs = await mounted(directory, 'erofs')
    const kernel = look(directory)
    expect(await stop(erofs)).toContain('data plane erofs')
    expect(isMounted(directory.path('mnt'))).toBe(false)
    const fuse = await mounted(directory, 'fuse')
    const workers = look(directory)
    await stop(fuse)
    expect([kernel.type, workers.type]).toEqual(['erofs', 'fuseblk'])
    expect(kernel.tree).toBe(workers.tree)
  })

  it('erofs goes on SIGTERM while a file is open', async () => {
    const directory = image('mixed-tar-v6-zstd-blake3')
    const nydusd = await mounted(directory, 'erofs')
    const fd = openSync(directory.path('mnt', 'text'), 'r')
    await stop(nydusd)
    expect(isMounted(directory.path('mnt'))).toBe(false)
    closeSync(fd)
  })

  it('erofs exits by itself when somebody else unmounts', async () => {
    const directory = image('tiny-tar-v6')
    const nydusd = await mounted(directory, 'erofs')
    execFileSync('umount', [directory.path('mnt')])
    expect((await nydusd.exited).status).toBe(0)
  })

  it('auto takes fuse for v5, and says why', async () => {
    const directory = image('tiny-tar-v5')
    const nydusd = await mounted(directory, 'auto')
    expect(readFileSync(directory.path('mnt', 'b')).length).toBeGreaterThan(0)
    expect(await stop(nydusd)).toMatch(/WARN.*the image is RAFS v5/)
  })

  it('erofs refuses v5', async () => {
    const directory = image('tiny-tar-v5')
    const nydusd = startNydusd([
      ...['fuse', '-C', directory.path('config.json'), '-B', directory.path('image.boot')],
      ...['-M', directory.path('mnt'), '--data-plane', 'erofs'],
    ])
    const { status, stderr } = await nydusd.exited
    expect(status).toBe(1)
    expect(stderr).toContain('the image is RAFS v5')
    expect(isMounted(directory.path('mnt'))).toBe(false)
  })
})
