// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BlobCacheOptions } from '../src/index.ts'
import * as golden from './golden.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** One was refused: its configuration asks for encryption and has no key. The daemon's tests have it. */
const mounted = golden.cacheFixtures.filter(({ state }) => state === 'mounted')

/** How the original was configured. */
function optionsOf({ config }: golden.CacheFixture): Partial<BlobCacheOptions> {
  const { compressed = false, validate = false, config: settings } = config.device.cache
  const key = settings.enable_encryption ? Buffer.from(settings.encryption_key ?? '', 'hex') : undefined
  return {
    validate,
    volatileMap: settings.disable_indexed_map ?? false,
    storage: compressed
      ? { kind: 'compressed' }
      : key === undefined
        ? { kind: 'plain' }
        : { kind: 'encrypted', key },
  }
}

async function readAll(
  cache: golden.CacheFixture,
  directory: string,
  sourceOf: (blobId: string) => golden.Source,
) {
  const bootstrap = golden.bootstrapOf(cache.bootstrap_of)
  const caches = golden.cachesOf(bootstrap, directory, sourceOf, optionsOf(cache))
  for (const { path, sha256: expected, offset, length } of cache.read) {
    const bytes = await golden.readFileThrough(bootstrap, caches.open, path, { offset, length })
    expect(sha256(bytes), path).toBe(expected)
  }
  await caches.close()
}

describe('a cache directory left by the original', () => {
  it('is of every kind', () => {
    expect(golden.cacheFixtures.length - mounted.length).toBe(1)
    expect(mounted).toHaveLength(20)
  })

  it.each(mounted)('$id serves the same reads without a fetch, and stays as it was', async (cache) => {
    const directory = golden.scratch(onTestFinished)
    golden.unpackCache(cache, directory)
    await readAll(cache, directory, golden.forbiddenSource)
    for (const [name, stored] of Object.entries(cache.outputs)) {
      const left = readFileSync(join(directory, name))
      // A complete map is marked as such when it is opened, as the original does.
      if (name.endsWith('.chunk_map')) left.fill(0, 12, 16)
      expect(left.equals(golden.load(stored)), name).toBe(true)
    }
  })
})

describe('a cache directory that we fill', () => {
  const filled = mounted.filter(({ read }) => read.length > 0)

  // Amplification is the original's: chunks that follow within 1 MiB of stored bytes. So the maps are equal, not only
  // supersets. (The original ignores smaller settings of amplify_io, so its maps with 0 and 4096 are the same as well.)
  it.each(filled)(
    'has byte for byte the files that the original has after the reads of $id',
    async (cache) => {
      const directory = golden.scratch(onTestFinished)
      await readAll(cache, directory, golden.sourceById)
      expect(readdirSync(directory).sort()).toEqual(Object.keys(cache.outputs).sort())
      if (cache.id === 'cache-v6-layers') return expectPartOf(cache, directory)
      if (cache.id === 'cache-v5-some') return expectMoreThan(cache, directory)
      for (const [name, stored] of Object.entries(cache.outputs)) {
        expect(readFileSync(join(directory, name)).equals(golden.load(stored)), name).toBe(true)
      }
    },
  )

  /** In v5 the original amplifies along files, we along the blob: what it has, we have, and neighbours that it has not. */
  function expectMoreThan(cache: golden.CacheFixture, directory: string): void {
    for (const [name, stored] of Object.entries(cache.outputs)) {
      const [ours, theirs] = [readFileSync(join(directory, name)), golden.load(stored)]
      const isThere = name.endsWith('.chunk_map')
        ? (byte: number, i: number) => ((ours[i] ?? 0) & byte) === byte
        : (byte: number, i: number) => byte === 0 || byte === ours[i]
      expect(theirs.every(isThere), name).toBe(true)
    }
  }

  /**
   * Layers hold chunks of files that the merged image does not show. The original fetches them along and cannot check
   * them; ours leaves them out. What is there is the same.
   */
  function expectPartOf(cache: golden.CacheFixture, directory: string): void {
    for (const [name, stored] of Object.entries(cache.outputs)) {
      const [ours, theirs] = [readFileSync(join(directory, name)), golden.load(stored)]
      if (name.endsWith('.blob.meta')) expect(ours.equals(theirs), name).toBe(true)
      else if (name.endsWith('.chunk_map'))
        expect(ours.every((byte, i) => (byte & ~(theirs[i] ?? 0)) === 0)).toBe(true)
      else
        expect(
          ours.every((byte, i) => byte === 0 || byte === theirs[i]),
          name,
        ).toBe(true)
    }
  }
})
