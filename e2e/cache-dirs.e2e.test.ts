// SPDX-License-Identifier: Apache-2.0
/**
 * Cache directories that the original's daemon left behind, used by ours: everything that the original had read comes from
 * them, for there is nothing but zeros where the blobs are.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateBlobMeta, openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isMounted, startMount } from './src/foreground.ts'
import { type GoldenCache, goldenBlob, goldenCaches, goldens } from './src/golden-image.ts'
import { reasonToSkip, run } from './src/run.ts'

const skip = reasonToSkip(['umount'])
const caches = goldenCaches()
const of = (state: string) => caches.filter((cache) => cache.state === state)

/** A copy of the cache directory, blobs of zeros, and the configuration that the original had. */
function unpack(cache: GoldenCache): { command: readonly string[]; mountpoint: string } {
  const work = mkdtempSync(join(tmpdir(), 'nydus-cache-dirs-'))
  const at = (...names: string[]) => join(work, ...names)
  onTestFinished(async () => {
    await run(['umount', '-l', at('mnt')])
    rmSync(work, { recursive: true, force: true })
  })
  for (const name of ['mnt', 'cache', 'blobs']) mkdirSync(at(name))
  for (const [name, stored] of Object.entries(cache.outputs))
    writeFileSync(at('cache', name), goldens.read(stored))
  const bootstrap = goldens.output(goldens.fixture(cache.bootstrap_of), 'bootstrap')
  writeFileSync(at('image.boot'), bootstrap)
  for (const blob of openBootstrap(bootstrap).blobs) {
    const meta = locateBlobMeta(blob)?.blobId
    for (const id of new Set([blob.blobId, meta ?? blob.blobId]))
      writeFileSync(at('blobs', id), new Uint8Array(goldenBlob(id).size))
  }
  const { device } = cache.config
  const config = {
    ...cache.config,
    device: {
      ...device,
      backend: { type: 'localfs', config: { dir: at('blobs') } },
      cache: { ...device.cache, config: { ...device.cache.config, work_dir: at('cache') } },
    },
  }
  writeFileSync(at('config.json'), JSON.stringify(config))
  const files = ['--config', at('config.json'), '--bootstrap', at('image.boot'), '--mountpoint', at('mnt')]
  return { command: ['nydusd', 'fuse', ...files, '--log-level', 'debug'], mountpoint: at('mnt') }
}

/** Asynchronously: who serves the file is another process, but this one must see its output. */
async function digestOf(
  path: string,
  { offset, length }: { offset?: number; length?: number },
): Promise<string> {
  const file = await open(path, 'r')
  try {
    const hash = createHash('sha256')
    const bytes = new Uint8Array(1 << 20)
    const end = offset === undefined || length === undefined ? Number.POSITIVE_INFINITY : offset + length
    for (let at = offset ?? 0; at < end; ) {
      const { bytesRead } = await file.read(bytes, 0, Math.min(bytes.length, end - at), at)
      if (bytesRead === 0) break
      hash.update(bytes.subarray(0, bytesRead))
      at += bytesRead
    }
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

describe.skipIf(skip !== undefined)('cache directories of the original', () => {
  it('are all here', () => {
    expect([of('mounted').length, of('did not mount').length]).toEqual([20, 1])
  })

  it.each(of('mounted'))('$id serves what the original had read', async (cache) => {
    const { command, mountpoint } = unpack(cache)
    const mount = await startMount(command, mountpoint)
    for (const read of cache.read)
      expect(await digestOf(join(mountpoint, read.path), read), read.path).toBe(read.sha256)
    expect(await mount.stop()).toBe(0)
    expect(mount.output()).not.toMatch(/fetched \d/)
  })

  it.each(of('did not mount'))('$id is refused', async (cache) => {
    const { command, mountpoint } = unpack(cache)
    const ended = await run(command)
    expect(ended.status).toBe(1)
    expect(ended.output).toContain('encryption_key')
    expect(isMounted(mountpoint)).toBe(false)
  })
})
