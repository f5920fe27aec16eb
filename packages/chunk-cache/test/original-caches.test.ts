// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BlobCache, chunkDigests, openBlobCache } from '../src/index.ts'
import * as golden from './golden.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Caches that hold the decoded blob; the others are refused by configuration, see the last test. */
const decoded = golden.cacheFixtures.filter(
  ({ id, state }) =>
    id.startsWith('cache-v6') && state === 'mounted' && !/compressed|encrypted-cache/.test(id),
)

/** Opens the blobs of a bootstrap in one cache directory, each once. */
function cachesOf(
  bootstrap: ReturnType<typeof golden.bootstrapOf>,
  workDir: string,
  sourceOf: (blobId: string) => golden.Source,
): { open(blobIndex: number): Promise<BlobCache>; close(): Promise<void> } {
  const caches = new Map<number, BlobCache>()
  return {
    async open(blobIndex) {
      const known = caches.get(blobIndex)
      if (known !== undefined) return known
      const blob = bootstrap.blobs[blobIndex]
      if (blob === undefined) throw new Error(`no blob ${blobIndex}`)
      const source = sourceOf(blob.blobId)
      const chunkDigest = chunkDigests(bootstrap)(blobIndex)
      const opened = await openBlobCache({ blob, source, workDir, chunkDigest })
      caches.set(blobIndex, opened)
      return opened
    },
    async close() {
      for (const cache of caches.values()) await cache.close()
    },
  }
}

describe('a cache directory left by the original', () => {
  it.each(decoded)('$id serves the same reads without a fetch, and stays as it was', async (cache) => {
    const directory = golden.scratch(onTestFinished)
    golden.unpackCache(cache, directory)
    const bootstrap = golden.bootstrapOf(cache.bootstrap_of)
    const caches = cachesOf(bootstrap, directory, golden.forbiddenSource)
    for (const { path, sha256: expected, offset, length } of cache.read) {
      const bytes = await golden.readFileThrough(bootstrap, caches.open, path, { offset, length })
      expect(sha256(bytes), path).toBe(expected)
    }
    await caches.close()
    for (const [name, stored] of Object.entries(cache.outputs)) {
      const left = readFileSync(join(directory, name))
      // A complete map is marked as such when it is opened, as the original does.
      if (name.endsWith('.chunk_map')) left.fill(0, 12, 16)
      expect(left.equals(golden.load(stored)), name).toBe(true)
    }
  })
})

describe('a cache directory that we fill', () => {
  // zran and encrypted blobs cannot be decoded yet; the prefetch and mount-only fixtures have no reads.
  const filled = decoded.filter(({ id, read }) => read.length > 0 && !/zran|encrypted/.test(id))

  // Amplification is the original's: chunks that follow within 1 MiB of stored bytes. So the maps are equal, not only
  // supersets. (The original ignores smaller settings of amplify_io, so its maps with 0 and 4096 are the same as well.)
  it.each(filled)(
    'has byte for byte the files that the original has after the reads of $id',
    async (cache) => {
      const directory = golden.scratch(onTestFinished)
      const bootstrap = golden.bootstrapOf(cache.bootstrap_of)
      const caches = cachesOf(bootstrap, directory, (blobId) =>
        golden.countingSource(blobId, golden.blobById(blobId)),
      )
      for (const { path, sha256: expected, offset, length } of cache.read) {
        const bytes = await golden.readFileThrough(bootstrap, caches.open, path, { offset, length })
        expect(sha256(bytes), path).toBe(expected)
      }
      await caches.close()
      expect(readdirSync(directory).sort()).toEqual(Object.keys(cache.outputs).sort())
      if (cache.id === 'cache-v6-layers') return expectPartOf(cache, directory)
      for (const [name, stored] of Object.entries(cache.outputs)) {
        expect(readFileSync(join(directory, name)).equals(golden.load(stored)), name).toBe(true)
      }
    },
  )

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

  it('ignores the map that belongs to a compressed cache of the original', async () => {
    const cache = golden.cacheFixture('cache-v6-compressed')
    const directory = golden.scratch(onTestFinished)
    golden.unpackCache(cache, directory)
    const bootstrap = golden.bootstrapOf(cache.bootstrap_of)
    const caches = cachesOf(bootstrap, directory, (blobId) =>
      golden.countingSource(blobId, golden.blobById(blobId)),
    )
    for (const { path, sha256: expected } of cache.read) {
      expect(sha256(await golden.readFileThrough(bootstrap, caches.open, path)), path).toBe(expected)
    }
    await caches.close()
  })
})
