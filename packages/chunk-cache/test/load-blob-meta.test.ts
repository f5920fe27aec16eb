// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BLOB_FEATURES, type BlobInfo } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadBlobMeta } from '../src/load-blob-meta.ts'
import * as golden from './golden.ts'
import { type MadeBlob, makeBlob, randomChunk } from './made-blob.ts'

const made = makeBlob([randomChunk(5000, 1), randomChunk(3, 2), randomChunk(9000, 3)])

function places(blob: BlobInfo, stored: MadeBlob | undefined, given?: Uint8Array) {
  const path = join(golden.scratch(onTestFinished), 'x.blob.meta')
  const fetched: number[] = []
  return {
    blob,
    path,
    given,
    fetched,
    async fetch(offset: number, length: number): Promise<Uint8Array> {
      fetched.push(length)
      if (stored === undefined) throw new Error('not reachable')
      return stored.bytes.slice(offset, offset + length)
    },
  }
}

describe('loadBlobMeta', () => {
  it('reads it from the blob once, and from the file after that', async () => {
    const first = places(made.blob, made)
    expect((await loadBlobMeta(first)).chunk(2)).toEqual(made.chunks[2])
    expect(readFileSync(first.path).equals(made.metaFile)).toBe(true)
    expect(readdirSync(join(first.path, '..'))).toEqual(['x.blob.meta'])
    const second = { ...first, fetch: () => Promise.reject(new Error('not needed')) }
    expect((await loadBlobMeta(second)).chunkCount).toBe(3)
  })

  it('writes the very bytes that the original writes', async () => {
    const cache = golden.cacheFixture('cache-v6-all')
    const [blob] = golden.bootstrapOf(cache.bootstrap_of).blobs
    if (blob === undefined) throw new Error('no blob')
    const bytes = golden.blobOf(cache.bootstrap_of)
    const asked = places(blob, { ...made, bytes })
    await loadBlobMeta(asked)
    const [, stored] = Object.entries(cache.outputs).find(([name]) => name.endsWith('.blob.meta')) ?? []
    if (stored === undefined) throw new Error('no meta')
    expect(readFileSync(asked.path).equals(golden.load(stored))).toBe(true)
  })

  it('uses the bytes that the caller has, and leaves them in the directory', async () => {
    const asked = places(made.blob, undefined, made.metaFile)
    expect((await loadBlobMeta(asked)).chunkCount).toBe(3)
    expect(readFileSync(asked.path).equals(made.metaFile)).toBe(true)
  })

  it('asks the blob when bytes or file belong to another blob or are damaged', async () => {
    const other = makeBlob([randomChunk(5000, 1)])
    const asked = places(made.blob, made, other.metaFile)
    writeFileSync(asked.path, made.metaFile.slice(1))
    expect((await loadBlobMeta(asked)).chunkCount).toBe(3)
    expect(asked.fetched).toHaveLength(1)
    expect(readFileSync(asked.path).equals(made.metaFile)).toBe(true)
  })

  // Header members: magic, features, compressor, count, offset, stored size, size, second magic.
  it.each([0, 4, 8, 12, 16, 24, 32, 4092])('refuses a header with a flipped bit at byte %i', async (byte) => {
    const bytes = made.bytes.slice()
    const at = made.blob.metaOffset + made.blob.metaCompressedSize + byte
    bytes[at] = (bytes[at] ?? 0) ^ 4
    const asked = places(made.blob, { ...made, bytes })
    await expect(loadBlobMeta(asked)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_FORMAT/) })
    expect(existsSync(asked.path)).toBe(false)
  })

  it.each([
    ['in a separate blob', BLOB_FEATURES.SEPARATE],
    ['encrypted', BLOB_FEATURES.ENCRYPTED],
  ])('says that it cannot be read when it is %s', async (what, feature) => {
    const asked = places({ ...made.blob, features: made.blob.features | feature }, made)
    await expect(loadBlobMeta(asked)).rejects.toMatchObject({
      code: 'ERR_FORMAT_UNSUPPORTED_FEATURE',
      message: expect.stringContaining(what),
    })
  })

  it('does not believe sizes that no number of chunks explains', async () => {
    const asked = places({ ...made.blob, metaUncompressedSize: 2 ** 40 }, made)
    await expect(loadBlobMeta(asked)).rejects.toMatchObject({ code: 'ERR_FORMAT_OUT_OF_RANGE' })
    expect(asked.fetched).toEqual([])
  })
})

describe('a blob without chunks', () => {
  it('needs no blob meta', async () => {
    const asked = places(
      { ...made.blob, chunkCount: 0, uncompressedSize: 0, metaOffset: 0, metaCompressedSize: 0 },
      undefined,
    )
    expect((await loadBlobMeta(asked)).chunkCount).toBe(0)
    expect([asked.fetched, existsSync(asked.path)]).toEqual([[], false])
  })
})
