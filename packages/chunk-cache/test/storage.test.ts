// SPDX-License-Identifier: Apache-2.0
/** Caches that do not hold plain chunks by number: compressed, encrypted, without blob meta, without a map. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { BLOB_FEATURES } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BlobCache, type BlobCacheOptions, openBlobCache } from '../src/index.ts'
import * as golden from './golden.ts'
import { BLOB_ID, makeBlob, randomChunk } from './made-blob.ts'
import { asRecords } from './made-records.ts'

const text = (size: number, letter: number): Uint8Array => new Uint8Array(size).fill(letter)
const made = makeBlob([text(9000, 65), randomChunk(5000, 1), text(4096, 66), randomChunk(3, 2)], {
  compressor: 'zstd',
  crc: true,
})
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i)

async function open(
  workDir: string,
  options: Partial<BlobCacheOptions> = {},
  source = golden.countingSource(BLOB_ID, made.bytes),
): Promise<{ cache: BlobCache; source: golden.Source }> {
  const digest = (index: number): Uint8Array | undefined => made.digests[index]
  const cache = await openBlobCache({ blob: made.blob, source, workDir, chunkDigest: digest, ...options })
  onTestFinished(() => cache.close())
  return { cache, source }
}

const everything = { offset: 0, length: made.plain.length }

describe.each([
  ['compressed', { kind: 'compressed' }],
  ['encrypted', { kind: 'encrypted', key: KEY }],
  ['encrypted by content', { kind: 'encrypted', key: undefined }],
] as const)('a cache that is %s', (_, storage) => {
  it('gives the same bytes, now and after a restart, and does not show them to other threads', async () => {
    const workDir = golden.scratch(onTestFinished)
    const { cache } = await open(workDir, { storage })
    expect(Buffer.from(await cache.read(everything)).equals(made.plain)).toBe(true)
    for (const [offset, length] of [
      [8990, 20],
      [12288, 5000],
      [17287, 1],
      [4096, 4096],
    ] as const) {
      const part = await cache.read({ offset, length })
      expect(Buffer.from(part).equals(made.plain.subarray(offset, offset + length)), String(offset)).toBe(
        true,
      )
    }
    expect(cache.view()).toMatchObject({ fd: -1, readyBits: new Uint8Array() })
    expect(cache.stats.readyChunks).toBe(4)
    await cache.close()
    const again = await open(workDir, { storage }, golden.forbiddenSource(BLOB_ID))
    expect(Buffer.from(await again.cache.read(everything)).equals(made.plain)).toBe(true)
  })

  it('holds nothing that reads as the content', async () => {
    const workDir = golden.scratch(onTestFinished)
    const { cache } = await open(workDir, { storage })
    await cache.fill(everything)
    await cache.close()
    const name = storage.kind === 'compressed' ? 'raw' : 'data'
    const file = readFileSync(join(workDir, `${BLOB_ID}.blob.${name}`))
    expect(file.includes('AAAAAAAA')).toBe(false)
    expect(existsSync(join(workDir, `${BLOB_ID}.blob.data.chunk_map`))).toBe(true)
  })
})

describe('a compressed cache', () => {
  it('is as large as the chunks in the blob, and holds them as they are there', async () => {
    const workDir = golden.scratch(onTestFinished)
    const { cache } = await open(workDir, { storage: { kind: 'compressed' } })
    await cache.fill(everything)
    await cache.close()
    const raw = readFileSync(join(workDir, `${BLOB_ID}.blob.raw`))
    expect(raw.equals(made.bytes.subarray(0, made.blob.metaOffset))).toBe(true)
  })

  it('that was damaged is read again from the source', async () => {
    const workDir = golden.scratch(onTestFinished)
    const first = await open(workDir, { storage: { kind: 'compressed' } })
    await first.cache.fill(everything)
    await first.cache.close()
    const path = join(workDir, `${BLOB_ID}.blob.raw`)
    const damaged = readFileSync(path)
    damaged.fill(7, 0, 4)
    writeFileSync(path, damaged)
    const { cache, source } = await open(workDir, { storage: { kind: 'compressed' } })
    expect(Buffer.from(await cache.read(everything)).equals(made.plain)).toBe(true)
    expect(source.reads).toHaveLength(1)
    expect(Buffer.from(await cache.read(everything)).equals(made.plain)).toBe(true)
    expect(source.reads).toHaveLength(1)
  })
})

describe('a blob without blob meta', () => {
  const { blob, records, plain } = asRecords(made)
  const all = { offset: 0, length: plain.length }
  const options = { blob, records: () => records, chunkDigest: undefined }

  it('is laid out by the records of the bootstrap, and has no blob meta file', async () => {
    const workDir = golden.scratch(onTestFinished)
    const { cache } = await open(workDir, options)
    expect(Buffer.from(await cache.read(all)).equals(plain)).toBe(true)
    await cache.close()
    expect(readFileSync(join(workDir, `${BLOB_ID}.blob.data`)).equals(plain)).toBe(true)
    expect(existsSync(join(workDir, `${BLOB_ID}.blob.meta`))).toBe(false)
    const again = await open(workDir, options, golden.forbiddenSource(BLOB_ID))
    expect(Buffer.from(await again.cache.read(all)).equals(plain)).toBe(true)
  })

  it('never fetches chunks along that no record names', async () => {
    const workDir = golden.scratch(onTestFinished)
    const shown = records.filter(({ chunkIndex }) => chunkIndex !== 1)
    const { cache } = await open(workDir, { ...options, records: () => shown })
    await cache.fill({ offset: 0, length: 1 })
    await cache.close()
    expect(cache.view().readyBits[0]).toBe(0b1011_0000)
    const again = await open(workDir, { ...options, records: () => shown })
    expect(
      Buffer.from(await again.cache.read({ offset: 14_000, length: 100 })).equals(
        plain.subarray(14_000, 14_100),
      ),
    ).toBe(true)
  })

  it('verifies by the digests of the records', async () => {
    const wrong = records.map((record) => ({ ...record, digest: record.digest.map((byte) => byte ^ 1) }))
    const { cache } = await open(golden.scratch(onTestFinished), { ...options, records: () => wrong })
    await expect(cache.fill(all)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
  })

  it('cannot be encrypted when chunks share pages', async () => {
    const workDir = golden.scratch(onTestFinished)
    await expect(
      open(workDir, { ...options, storage: { kind: 'encrypted', key: KEY } }),
    ).rejects.toMatchObject({
      code: 'ERR_FORMAT_UNSUPPORTED_FEATURE',
      message: expect.stringContaining('chunk 1'),
    })
  })

  it('without a chunk count has no map, and finds out by digest what is there', async () => {
    const workDir = golden.scratch(onTestFinished)
    const ancient = { ...options, blob: { ...blob, chunkCount: 0, uncompressedSize: 0, compressedSize: 0 } }
    const { cache } = await open(workDir, ancient)
    expect(Buffer.from(await cache.read({ offset: 0, length: 9000 })).equals(plain.subarray(0, 9000))).toBe(
      true,
    )
    await cache.close()
    expect(existsSync(join(workDir, `${BLOB_ID}.blob.data.chunk_map`))).toBe(false)
    const again = await open(workDir, ancient, golden.forbiddenSource(BLOB_ID))
    expect(Buffer.from(await again.cache.read(all)).equals(plain)).toBe(true)
    await again.cache.close()
    const path = join(workDir, `${BLOB_ID}.blob.data`)
    const damaged = readFileSync(path)
    damaged.writeUInt8(damaged.readUInt8(9001) ^ 1, 9001)
    writeFileSync(path, damaged)
    const { cache: third, source } = await open(workDir, ancient)
    expect(Buffer.from(await third.read(all)).equals(plain)).toBe(true)
    expect(source.reads).toEqual([{ offset: records[1]?.compressedOffset, length: 5000 }])
  })

  it('is refused without records, and with records that leave it', async () => {
    const workDir = golden.scratch(onTestFinished)
    await expect(open(workDir, { ...options, records: undefined })).rejects.toMatchObject({
      code: 'ERR_FORMAT_CORRUPT',
    })
    const short = { ...options, blob: { ...blob, uncompressedSize: plain.length - 1 } }
    await expect(open(workDir, short)).rejects.toMatchObject({ code: 'ERR_FORMAT_CORRUPT' })
  })
})

describe('the tar of a tarfs image', () => {
  const { blob, records, plain } = asRecords(makeBlob([randomChunk(1024, 5), randomChunk(512, 6)]))
  const options = {
    blob: { ...blob, features: BLOB_FEATURES.TARFS, digester: 'sha256' as const },
    records: () => records.map((record) => ({ ...record, digest: new Uint8Array(32) })),
    chunkDigest: undefined,
  }

  it('is used where the cache directory has it, and left alone', async () => {
    const workDir = golden.scratch(onTestFinished)
    writeFileSync(join(workDir, BLOB_ID), plain)
    const { cache } = await open(workDir, options, golden.forbiddenSource(BLOB_ID))
    expect(
      Buffer.from(await cache.read({ offset: 1000, length: 500 })).equals(plain.subarray(1000, 1500)),
    ).toBe(true)
    expect(cache.view().fd).toBeGreaterThan(0)
    await cache.close()
    expect(existsSync(join(workDir, `${BLOB_ID}.blob.data`))).toBe(false)
  })

  it('is fetched like other blobs where it is not there, or cut short', async () => {
    const workDir = golden.scratch(onTestFinished)
    writeFileSync(join(workDir, BLOB_ID), plain.subarray(1))
    const { cache } = await open(workDir, options, golden.countingSource(BLOB_ID, plain))
    expect(Buffer.from(await cache.read({ offset: 0, length: plain.length })).equals(plain)).toBe(true)
  })
})

describe('a legacy stargz blob', () => {
  const contents = [text(30_000, 70), randomChunk(20_000, 8), text(10, 71)]
  const members = contents.map((content) => gzipSync(content))
  const stored = Buffer.concat(members)
  const { blob, records } = asRecords(makeBlob(contents))
  let at = 0
  const stargz = records.map((record, i) => {
    const compressedOffset = at
    at += members[i]?.length ?? 0
    return { ...record, compressedOffset, compressedSize: 0 }
  })
  const options = {
    blob: { ...blob, compressor: 'gzip' as const, compressedSize: 0 },
    records: () => stargz,
    chunkDigest: undefined,
  }

  it.each(['plain', 'compressed'] as const)(
    'is read by where its members start, into a %s cache',
    async (kind) => {
      const workDir = golden.scratch(onTestFinished)
      const { cache } = await open(
        workDir,
        { ...options, storage: { kind } },
        golden.countingSource(BLOB_ID, stored),
      )
      const plain = Buffer.concat(contents)
      expect(Buffer.from(await cache.read({ offset: 0, length: plain.length })).equals(plain)).toBe(true)
      await cache.close()
      const again = await open(
        workDir,
        { ...options, storage: { kind } },
        { ...golden.forbiddenSource(BLOB_ID), size: async () => stored.length },
      )
      expect(Buffer.from(await again.cache.read({ offset: 0, length: plain.length })).equals(plain)).toBe(
        true,
      )
    },
  )
})
