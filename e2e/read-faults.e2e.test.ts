// SPDX-License-Identifier: Apache-2.0
/** A registry that fails under a mounted image: reads end with EIO and a cause, come back when it does, and nothing wrong is kept. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestBytes } from '@nydus/base/digest'
import { blobChunks, openBootstrap } from '@nydus/rafs-format'
import { type FaultAction, startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ForegroundMount, startMount } from './src/foreground.ts'
import { goldenBlob, goldens } from './src/golden-image.ts'
import { must, reasonToSkip, run, stopPrograms } from './src/run.ts'

const skip = reasonToSkip(['umount', 'cat'])
const ALWAYS = Number.POSITIVE_INFINITY
const CHUNK_MAP_HEADER_BYTES = 4096

/** What goes wrong, and what the log then says. */
const FAULTS: readonly (readonly [string, FaultAction, RegExp])[] = [
  ['stalls', { do: 'stall' }, /ERR_REGISTRY_TIMEOUT|no answer|timed? ?out/i],
  ['stalls in the middle', { do: 'stall', afterBytes: 100 }, /ERR_REGISTRY_TIMEOUT|no answer|timed? ?out/i],
  ['cuts answers short', { do: 'cut', afterBytes: 100 }, /ERR_REGISTRY_|cut|closed|bytes/i],
  ['drops connections', { do: 'drop' }, /ERR_REGISTRY_CONNECTION|closed|reset/i],
  ['corrupts bytes', { do: 'corrupt', atByte: 20 }, /does not have its|damaged/],
  ['answers 503', { do: 'status', status: 503 }, /503|ERR_REGISTRY_UNAVAILABLE/],
  ['answers with another range', { do: 'shift-range', byBytes: 1 }, /asked for bytes/],
]

/** One of each kind. */
const IMAGES = [
  'mixed-tar-v6-zstd-blake3',
  'mixed-tar-v5-zstd-blake3',
  'mixed-v6-batch-0x100000',
  'mixed-v6-encrypt',
]
/** A file of theirs whose chunk has more stored bytes than any fault lets through. */
const FILE = 'random-small'

describe.skipIf(skip !== undefined)('a registry that fails under a mounted image', () => {
  let registry: TestRegistry
  let work: string
  const at = (...names: string[]) => join(work, ...names)

  beforeAll(async () => {
    registry = await startRegistry()
    work = mkdtempSync(join(tmpdir(), 'nydus-read-faults-'))
    mkdirSync(at('mnt'))
  })
  afterEach(async () => {
    registry.faults.clear()
    await stopPrograms()
  })
  afterAll(async () => {
    await run(['umount', '-l', at('mnt')])
    await registry?.close()
    rmSync(work, { recursive: true, force: true })
  })

  /** Mounts an image over an empty cache; its blob meta is read while all is well. */
  async function mountImage(id: string): Promise<ForegroundMount> {
    const bootstrap = goldens.output(goldens.fixture(id), 'bootstrap')
    writeFileSync(at('image.boot'), bootstrap)
    for (const { blobId } of openBootstrap(bootstrap).blobs)
      registry.putBlob('image', goldens.read(goldenBlob(blobId)))
    rmSync(at('cache'), { recursive: true, force: true })
    writeFileSync(at('config.json'), JSON.stringify(configuration()))
    const files = ['--config', at('config.json'), '--bootstrap', at('image.boot'), '--mountpoint', at('mnt')]
    return startMount(['nydusd', 'fuse', ...files, '--log-level', 'info'], at('mnt'))
  }

  function configuration() {
    const backend = { scheme: 'http', host: registry.host, repo: 'image', timeout: 1, connect_timeout: 1 }
    return {
      device: {
        backend: { type: 'registry', config: backend },
        cache: { type: 'blobcache', config: { work_dir: at('cache') } },
      },
      mode: 'direct',
      amplify_io: 0,
    }
  }

  describe.each(IMAGES)('%s', (id) => {
    it.each(FAULTS)('that %s gives EIO with a cause, and then the file', async (_, action, cause) => {
      const mount = await mountImage(id)
      // Opens the blob and reads its blob meta.
      await must(['cat', at('mnt', 'sizes/one')])
      registry.fault({ on: { kind: 'blob', method: 'GET' }, times: ALWAYS, action })
      const failed = await run(['cat', at('mnt', FILE)])
      expect(failed.status).not.toBe(0)
      expect(failed.output).toContain('Input/output error')
      expect(mount.output()).toMatch(/ERROR READ of .* failed/)
      expect(mount.output()).toMatch(cause)
      registry.faults.clear()
      const content = await must(['sha256sum', at('mnt', FILE)])
      expect(content.stdout.slice(0, 64)).toBe(listedDigest(id, FILE))
      expect(await mount.stop()).toBe(0)
      expectSoundCache(id)
    })
  })

  // A registry that answers with another range than it was asked for does not do so by accident: that is not tried again.
  it.each(FAULTS.filter(([what]) => !what.includes('another range')))(
    'that %s once is asked again, and nobody sees it',
    async (_, action) => {
      const mount = await mountImage('mixed-tar-v6-zstd-blake3')
      await must(['cat', at('mnt', 'sizes/one')])
      registry.fault({ on: { kind: 'blob', method: 'GET' }, times: 1, action })
      const content = await must(['sha256sum', at('mnt', FILE)])
      expect(content.stdout.slice(0, 64)).toBe(listedDigest('mixed-tar-v6-zstd-blake3', FILE))
      expect(registry.faults.pending).toEqual([])
      expect(mount.output()).not.toContain('ERROR')
      expect(await mount.stop()).toBe(0)
    },
  )

  function listedDigest(id: string, path: string): unknown {
    const expected = goldens.fixture(id).expected as { fuse: Parameters<typeof goldens.listing>[0] }
    return goldens.listing(expected.fuse).find((line) => line.path === path)?.sha256
  }

  /** Every chunk that the map says is there has its digest. */
  function expectSoundCache(id: string): void {
    const bootstrap = openBootstrap(goldens.output(goldens.fixture(id), 'bootstrap'))
    let ready = 0
    for (const { blobId, blobIndex, digester } of bootstrap.blobs) {
      const map = readFileSync(at('cache', `${blobId}.blob.data.chunk_map`)).subarray(CHUNK_MAP_HEADER_BYTES)
      const data = readFileSync(at('cache', `${blobId}.blob.data`))
      for (const { chunkIndex, uncompressedOffset, uncompressedSize, digest } of blobChunks(
        bootstrap,
        blobIndex,
      )) {
        if (((map[chunkIndex >> 3] ?? 0) & (0x80 >> (chunkIndex & 7))) === 0) continue
        const bytes = data.subarray(uncompressedOffset, uncompressedOffset + uncompressedSize)
        expect(Buffer.from(digestBytes(digester, bytes)).equals(digest), `chunk ${chunkIndex}`).toBe(true)
        ready += 1
      }
    }
    expect(ready).toBeGreaterThan(0)
  }
})
