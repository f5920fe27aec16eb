// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ByteRange } from '@nydus/base/binary'
import { encryptXts } from '@nydus/base/cipher'
import { type BlobInfo, cipherMembers } from '@nydus/rafs-format'
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
    async fetch({ offset, length }: ByteRange): Promise<Uint8Array> {
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

  it('decrypts array and header, and keeps them as the original does: in the clear', async () => {
    const cipher = { key: randomChunk(32, 4), iv: randomChunk(16, 5) }
    const { metaOffset, metaCompressedSize } = made.blob
    const bytes = made.bytes.slice()
    const headerAt = metaOffset + metaCompressedSize
    bytes.set(encryptXts(made.bytes.subarray(metaOffset, headerAt), cipher), metaOffset)
    bytes.set(encryptXts(made.bytes.subarray(headerAt, headerAt + 4096), cipher), headerAt)
    const asked = places({ ...made.blob, ...cipherMembers(cipher) }, { ...made, bytes })
    expect((await loadBlobMeta(asked)).chunk(2)).toEqual(made.chunks[2])
    expect(readFileSync(asked.path).equals(made.metaFile)).toBe(true)
    const withOtherKey = { ...made.blob, ...cipherMembers({ ...cipher, key: randomChunk(32, 6) }) }
    await expect(loadBlobMeta(places(withOtherKey, { ...made, bytes }))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_FORMAT/),
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
