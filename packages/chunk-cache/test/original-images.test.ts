// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { type Bootstrap, fileExtents, openBootstrap, walkTree } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BlobCache, chunkDigests, openBlobCache } from '../src/index.ts'
import * as golden from './golden.ts'

/** Images whose blobs this package cannot decode yet, or that the original built wrong. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'mixed-v6-encrypt': 'encrypted',
  'mixed-v6-encrypt-none': 'encrypted',
  'own-chain1-v6': 'the original gives chunks of the second layer the blob index of the first',
  'own-chain2-v6': 'the original gives chunks of the second layer the blob index of the first',
}
const isLeftOut = (id: string): boolean => id in LEFT_OUT || /zran|estargz|tarfs|optimize/.test(id)

async function openAll(bootstrap: Bootstrap, workDir: string): Promise<readonly BlobCache[]> {
  const digests = chunkDigests(bootstrap)
  return Promise.all(
    bootstrap.blobs.map((blob) => {
      const source = golden.countingSource(blob.blobId, golden.blobById(blob.blobId))
      return openBlobCache({ blob, source, workDir, chunkDigest: digests(blob.blobIndex) })
    }),
  )
}

describe('an image that the original built', () => {
  const images = golden.imageFixtures.filter(({ id }) => !isLeftOut(id))

  it.each(images)('$id gives the content that its own mount gave', async ({ outputs, expected }) => {
    const listing = golden.listing(expected.fuse)
    const bootstrap = openBootstrap(golden.load(outputs.bootstrap))
    const caches = await openAll(bootstrap, golden.scratch(onTestFinished))
    let compared = 0
    for (const { path, inode } of walkTree(bootstrap)) {
      const name = Buffer.from(Buffer.concat(path.flatMap((part) => [Buffer.from('/'), part])).subarray(1))
      const digest = listing.get(name.toString('latin1'))
      if (digest === undefined) continue
      const hash = createHash('sha256')
      for (const { blobIndex, uncompressedOffset, length } of fileExtents(
        bootstrap,
        inode.nid,
        0,
        inode.size,
      )) {
        const cache = caches[blobIndex]
        if (cache === undefined) throw new Error(`no blob ${blobIndex}`)
        hash.update(await cache.read({ offset: uncompressedOffset, length }))
      }
      expect(hash.digest('hex'), name.toString()).toBe(digest)
      compared++
    }
    expect(compared).toBe(listing.size)
    for (const cache of caches) await cache.close()
  })
})
