// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib'
import { type BlobInfo, type Bootstrap, type ChunkInfo, locateBlobMeta } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { openChunkReader } from '../src/index.ts'
import * as golden from './golden.ts'
import { BLOB_ID, makeBlob, randomChunk } from './made-blob.ts'
import { asRecords } from './made-records.ts'

const made = makeBlob([new Uint8Array(9000).fill(65), randomChunk(5000, 1)], { compressor: 'zstd' })
const { blob, records } = asRecords(made)
const [first, second] = records as [ChunkInfo, ChunkInfo]

function bootstrapWith(...blobs: readonly BlobInfo[]): Bootstrap {
  return { blobs } as unknown as Bootstrap
}

describe('openChunkReader', () => {
  it('reads chunks by their records, and asks for nothing else', async () => {
    const source = golden.countingSource(BLOB_ID, made.bytes)
    const reader = openChunkReader({ bootstrap: bootstrapWith(blob), openBlob: () => source })
    expect(Buffer.from(await reader.readChunk(0, second)).equals(randomChunk(5000, 1))).toBe(true)
    expect(Buffer.from(await reader.readChunk(0, first)).toString()).toBe('A'.repeat(9000))
    expect(source.reads).toEqual(
      [second, first].map(({ compressedOffset: offset, compressedSize: length }) => ({ offset, length })),
    )
  })

  it('gives stored bytes as they are, and says when a source gives too few', async () => {
    const reader = openChunkReader({
      bootstrap: bootstrapWith(blob),
      openBlob: () => golden.countingSource(BLOB_ID, made.bytes),
    })
    expect(await reader.readStored(0, { offset: 3, length: 4 })).toEqual(made.bytes.slice(3, 7))
    await expect(reader.readStored(0, { offset: made.bytes.length - 1, length: 2 })).rejects.toMatchObject({
      code: 'ERR_CACHE_SHORT_READ',
    })
    await expect(reader.readStored(1, { offset: 0, length: 1 })).rejects.toMatchObject({
      code: 'ERR_FORMAT_OUT_OF_RANGE',
    })
  })

  it('opens a blob once, and again only when that failed', async () => {
    let opened = 0
    const reader = openChunkReader({
      bootstrap: bootstrapWith(blob),
      openBlob: async () => {
        opened += 1
        if (opened === 1) throw new Error('not yet')
        return golden.countingSource(BLOB_ID, made.bytes)
      },
    })
    await expect(reader.readChunk(0, first)).rejects.toThrow('not yet')
    await Promise.all([
      reader.readChunk(0, first),
      reader.readChunk(0, second),
      reader.readStored(0, { offset: 0, length: 1 }),
    ])
    expect(opened).toBe(2)
  })

  it('asks once more for bytes that are wrong, and gives up when they stay so', async () => {
    let reads = 0
    const damagedUntil = (good: number) => ({
      blobId: BLOB_ID,
      read: async ({ offset, length }: { offset: number; length: number }) => {
        reads += 1
        const bytes = made.bytes.slice(offset, offset + length)
        if (reads < good) bytes[20] = (bytes[20] ?? 0) ^ 1
        return bytes
      },
    })
    const reader = openChunkReader({ bootstrap: bootstrapWith(blob), openBlob: () => damagedUntil(2) })
    expect(Buffer.from(await reader.readChunk(0, second)).equals(randomChunk(5000, 1))).toBe(true)
    expect(reads).toBe(2)
    const never = openChunkReader({ bootstrap: bootstrapWith(blob), openBlob: () => damagedUntil(Infinity) })
    await expect(never.readChunk(0, second)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    expect(reads).toBe(4)
  })

  it('does not ask for what cannot be there', async () => {
    const reader = openChunkReader({
      bootstrap: bootstrapWith(blob),
      openBlob: () => golden.forbiddenSource(BLOB_ID),
    })
    for (const change of [
      { compressedSize: 2 ** 30 },
      { compressedOffset: 2 ** 40 },
      { compressedSize: 0 },
    ]) {
      await expect(reader.readChunk(0, { ...first, ...change })).rejects.toMatchObject({
        code: 'ERR_FORMAT_OUT_OF_RANGE',
      })
    }
  })

  it('stops for the signal of a call and for its own', async () => {
    const all = new AbortController()
    const hanging = {
      blobId: BLOB_ID,
      read: (_: unknown, { signal }: { signal?: AbortSignal }) =>
        new Promise<Uint8Array>((_resolve, reject) => {
          if (signal?.aborted) reject(signal.reason)
          signal?.addEventListener('abort', () => reject(signal.reason))
        }),
    }
    const reader = openChunkReader({
      bootstrap: bootstrapWith(blob),
      openBlob: () => hanging,
      signal: all.signal,
    })
    const one = new AbortController()
    const reads = [reader.readChunk(0, first, one.signal), reader.readChunk(0, second)]
    one.abort(new Error('one'))
    await expect(reads[0]).rejects.toThrow('one')
    all.abort(new Error('all'))
    await expect(reads[1]).rejects.toThrow('all')
  })

  it('reads members of legacy stargz blobs', async () => {
    const members = [gzipSync(made.plain.subarray(0, 9000)), gzipSync(randomChunk(5000, 1))]
    const stored = Buffer.concat(members)
    const stargz = { ...blob, compressor: 'gzip' as const, compressedSize: stored.length }
    const reader = openChunkReader({
      bootstrap: bootstrapWith(stargz),
      openBlob: () => golden.countingSource(BLOB_ID, stored),
    })
    const record = { ...second, compressedOffset: members[0]?.length ?? 0, compressedSize: 0 }
    expect(Buffer.from(await reader.readChunk(0, record)).equals(randomChunk(5000, 1))).toBe(true)
    expect(Buffer.from(await reader.readChunk(0, { ...first, compressedOffset: 0 })).toString()).toBe(
      'A'.repeat(9000),
    )
  })
})

describe('chunks that share a context', () => {
  const id = 'mixed-v6-batch-0x100000'
  const bootstrap = golden.bootstrapOf(id)
  const table = [...bootstrap.chunkTable()]

  it('come out of one read, however many are asked for at once, and belong to the caller', async () => {
    const sources: golden.Source[] = []
    const openBlob = (blobId: string) => {
      const source = golden.sourceById(blobId)
      sources.push(source)
      return source
    }
    const reader = openChunkReader({ bootstrap, openBlob })
    const batched = table.filter(({ compressedSize }) => compressedSize === 0)
    expect(batched.length).toBeGreaterThan(6)
    const found = await Promise.all(batched.map((chunk) => reader.readChunk(chunk.blobIndex, chunk)))
    // The blob meta, and two batches.
    expect(sources.flatMap(({ reads }) => reads)).toHaveLength(3)
    for (const bytes of found) bytes.fill(0)
    const again = await Promise.all(batched.map((chunk) => reader.readChunk(chunk.blobIndex, chunk)))
    expect(again.some((bytes) => bytes.some((byte) => byte !== 0))).toBe(true)
  })

  it('are found in a blob meta of its own, by the name that the caller knows', async () => {
    const zran = golden.bootstrapOf('mixed-zran-l6')
    const [entry] = zran.blobs
    if (entry === undefined) throw new Error('no blob')
    const metaId = locateBlobMeta(entry)?.blobId ?? ''
    const inline = bootstrapWith({ ...entry, features: entry.features | 0x2 })
    const [chunk] = [...zran.chunkTable()]
    if (chunk === undefined) throw new Error('no chunk')
    const named = openChunkReader({ bootstrap: inline, openBlob: golden.sourceById, bootstrapBlobId: metaId })
    expect(await named.readChunk(0, chunk)).toHaveLength(chunk.uncompressedSize)
    const nameless = openChunkReader({ bootstrap: inline, openBlob: golden.sourceById })
    await expect(nameless.readChunk(0, chunk)).rejects.toMatchObject({ code: 'ERR_FORMAT_CORRUPT' })
  })

  it('must have the size that the bootstrap says', async () => {
    const reader = openChunkReader({ bootstrap, openBlob: golden.sourceById })
    const [chunk] = table
    if (chunk === undefined) throw new Error('no chunk')
    await expect(
      reader.readChunk(chunk.blobIndex, { ...chunk, uncompressedSize: chunk.uncompressedSize + 1 }),
    ).rejects.toMatchObject({ code: 'ERR_FORMAT_CORRUPT' })
  })
})
