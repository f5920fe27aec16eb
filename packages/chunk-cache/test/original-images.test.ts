// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import {
  type Bootstrap,
  fileExtents,
  type Inode,
  openBootstrap,
  readFileChunks,
  walkTree,
} from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openChunkReader } from '../src/index.ts'
import * as golden from './golden.ts'

/** Images whose data the original built wrong, or whose blobs are not among the fixtures. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'mixed-v5-encrypt': 'the original encrypts the data of v5 images and keeps no key',
  'mixed-v6-encrypt-none': 'its blob is too large for the fixtures',
  'own-chain1-v5': 'the original gives chunks of the second layer the blob index of the first',
  'own-chain1-v6': 'the original gives chunks of the second layer the blob index of the first',
  'own-chain2-v5': 'the original gives chunks of the second layer the blob index of the first',
  'own-chain2-v6': 'the original gives chunks of the second layer the blob index of the first',
}

const images = golden.imageFixtures.filter(({ id }) => !(id in LEFT_OUT))

/** Compares the digest of each regular file with the listing; `read` gives a file's content. */
async function compareFiles(
  bootstrap: Bootstrap,
  listing: ReadonlyMap<string, string>,
  read: (inode: Inode) => AsyncIterable<Uint8Array>,
): Promise<void> {
  let compared = 0
  for (const { path, inode } of walkTree(bootstrap)) {
    const name = Buffer.concat(path.flatMap((part) => [Buffer.from('/'), part])).subarray(1)
    const digest = listing.get(name.toString('latin1'))
    if (digest === undefined) continue
    const hash = createHash('sha256')
    for await (const bytes of read(inode)) hash.update(bytes)
    expect(hash.digest('hex'), name.toString()).toBe(digest)
    compared++
  }
  expect(compared).toBe(listing.size)
}

describe('an image that the original built', () => {
  it('is of every kind', () => {
    for (const kind of [
      /-v5/,
      /-v6/,
      /zran/,
      /encrypt/,
      /batch/,
      /tarfs/,
      /estargz-ref/,
      /merge-v5/,
      /aligned/,
    ])
      expect(images.filter(({ id }) => kind.test(id)).length, String(kind)).toBeGreaterThan(0)
  })

  it.each(images)('$id has the listed content through a cache', async ({ outputs, files }) => {
    const bootstrap = openBootstrap(golden.load(outputs.bootstrap))
    const caches = golden.cachesOf(bootstrap, golden.scratch(onTestFinished), golden.sourceById)
    await compareFiles(bootstrap, golden.listing(files), async function* ({ nid, size }) {
      for (const { blobIndex, uncompressedOffset, length } of fileExtents(bootstrap, nid, 0, size))
        yield (await caches.open(blobIndex)).read({ offset: uncompressedOffset, length })
    })
    await caches.close()
  })

  it.each(images)('$id has the listed content chunk by chunk', async ({ outputs, files }) => {
    const bootstrap = openBootstrap(golden.load(outputs.bootstrap))
    const reader = openChunkReader({ bootstrap, openBlob: golden.sourceById })
    await compareFiles(bootstrap, golden.listing(files), async function* ({ nid }) {
      for (const chunk of readFileChunks(bootstrap, nid)) yield reader.readChunk(chunk.blobIndex, chunk)
    })
  })
})
