// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ByteRange } from '@nydus/base/binary'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BlobCache, type BlobCacheOptions, type FetchReport, openBlobCache } from '../src/index.ts'
import * as golden from './golden.ts'
import { BLOB_ID, type MadeBlob, makeBlob, randomChunk } from './made-blob.ts'

const sizes = [5000, 3, 4096, 9000, 100_000, 1, 70_000, 20_000]
const made = makeBlob(
  sizes.map((size, i) => randomChunk(size, i)),
  { crc: true },
)
const everything = { offset: 0, length: made.plain.length }

type Answer = (range: ByteRange, signal: AbortSignal | undefined, count: number) => Promise<Uint8Array>

interface Opened {
  readonly cache: BlobCache
  readonly workDir: string
  readonly reads: ByteRange[]
}

const stored = (range: ByteRange): Uint8Array => made.bytes.slice(range.offset, range.offset + range.length)

/** A cache whose blob meta is there already, so that `answer` sees only reads of chunks. */
async function open(
  answer: Answer,
  options: Partial<BlobCacheOptions> = {},
  blob: MadeBlob = made,
): Promise<Opened> {
  const workDir = golden.scratch(onTestFinished)
  const reads: ByteRange[] = []
  const cache = await openBlobCache({
    blob: blob.blob,
    workDir,
    metaFile: blob.metaFile,
    source: {
      blobId: BLOB_ID,
      read(range, { signal }) {
        reads.push(range)
        return answer(range, signal, reads.length)
      },
    },
    ...options,
  })
  onTestFinished(() => cache.close())
  return { cache, workDir, reads }
}

function expectPlain(bytes: Uint8Array, range: ByteRange): void {
  expect(Buffer.from(bytes).equals(made.plain.subarray(range.offset, range.offset + range.length))).toBe(true)
}

describe('reading', () => {
  it('gives the bytes of any range, padding included', async () => {
    const { cache } = await open(async (range) => stored(range), { amplifyBytes: 0 })
    let state = 5
    for (let round = 0; round < 200; round++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      const offset = state % made.plain.length
      const range = { offset, length: (state >>> 9) % (made.plain.length - offset + 1) }
      expectPlain(await cache.read(range), range)
    }
  })

  it('fetches nothing for padding and for nothing', async () => {
    const { cache, reads } = await open(async (range) => stored(range))
    expect(await cache.read({ offset: 5000, length: 3000 })).toEqual(new Uint8Array(3000))
    expect(await cache.read({ offset: 6000, length: 0 })).toEqual(new Uint8Array(0))
    await cache.fill({ offset: made.plain.length, length: 0 })
    expect(reads).toEqual([])
  })

  it('refuses ranges outside the blob', async () => {
    const { cache } = await open(async (range) => stored(range))
    await expect(cache.read({ offset: made.plain.length, length: 1 })).rejects.toMatchObject({
      code: 'ERR_FORMAT_OUT_OF_RANGE',
    })
    await expect(cache.fill({ offset: -1, length: 1 })).rejects.toMatchObject({
      code: 'ERR_FORMAT_OUT_OF_RANGE',
    })
  })

  it('fetches each byte once, however many ask at the same time', async () => {
    const { cache, reads } = await open(async (range) => stored(range))
    const asked = Array.from({ length: 50 }, (_, i) => ({ offset: i * 3000, length: 5000 }))
    await Promise.all(asked.map(async (range) => expectPlain(await cache.read(range), range)))
    await cache.fill(everything)
    const bytes = reads.reduce((sum, { length }) => sum + length, 0)
    expect(bytes).toBe(made.blob.metaOffset)
    expect(cache.stats).toMatchObject({
      chunkCount: sizes.length,
      readyChunks: sizes.length,
      fetchedBytes: bytes,
    })
  })

  it('reports what it fetched and why', async () => {
    const reports: FetchReport[] = []
    const { cache } = await open(async (range) => stored(range), {
      onFetch: (report) => reports.push(report),
      amplifyBytes: 0,
    })
    await cache.fill({ offset: 0, length: 1 })
    expect(reports).toMatchObject([{ blobId: BLOB_ID, offset: 0, length: 5000, reason: 'read' }])
  })
})

describe('a source that misbehaves', () => {
  const flipped = (range: ByteRange): Uint8Array =>
    stored(range).map((byte, i) => (i === 10 ? byte ^ 1 : byte))

  it('is asked once more for a chunk that is wrong', async () => {
    const { cache, reads } = await open(async (range, _, count) =>
      count === 1 ? flipped(range) : stored(range),
    )
    expectPlain(await cache.read(everything), everything)
    expect(reads).toHaveLength(2)
    // Only the chunk that was wrong.
    expect(reads[1]).toMatchObject({ offset: 0, length: 5000 })
  })

  it('never gets a wrong chunk into the cache, and does not harm its neighbours', async () => {
    const { cache, workDir } = await open(async (range) =>
      range.offset === 0 ? flipped(range) : stored(range),
    )
    await expect(cache.read({ offset: 0, length: 1 })).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    const rest = { offset: 8192, length: made.plain.length - 8192 }
    expectPlain(await cache.read(rest), rest)
    await cache.close()
    const data = readFileSync(join(workDir, `${BLOB_ID}.blob.data`))
    expect(data.subarray(0, 8192).every((byte) => byte === 0)).toBe(true)
    expect(readFileSync(join(workDir, `${BLOB_ID}.blob.data.chunk_map`))[4096]).toBe(0b0111_1111)
  })

  it('is believed again when it recovers', async () => {
    const { cache } = await open(async (range, _, count) => (count <= 2 ? flipped(range) : stored(range)))
    await expect(cache.fill(everything)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    expectPlain(await cache.read(everything), everything)
  })

  it('that gives too few bytes makes a retryable error', async () => {
    const { cache } = await open(async (range) => stored(range).subarray(1))
    await expect(cache.fill(everything)).rejects.toMatchObject({
      code: 'ERR_CACHE_SHORT_READ',
      retryable: true,
    })
  })

  it('that fails passes its error on, and the next read tries again', async () => {
    const { cache } = await open(async (range, _, count) => {
      if (count === 1) throw new Error('connection reset')
      return stored(range)
    })
    await expect(cache.fill(everything)).rejects.toThrow('connection reset')
    expectPlain(await cache.read(everything), everything)
  })
})

describe('abort and close', () => {
  const never: Answer = (_, signal) =>
    new Promise((_resolve, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
    )

  it('cancels a fetch when the last who wants it has left', async () => {
    const seen: (AbortSignal | undefined)[] = []
    const { cache } = await open((range, signal, count) => {
      seen.push(signal)
      return never(range, signal, count)
    })
    const [one, two] = [new AbortController(), new AbortController()]
    const reads = [cache.read({ offset: 0, length: 1 }, one), cache.read({ offset: 0, length: 1 }, two)]
    one.abort(new Error('one'))
    await expect(reads[0]).rejects.toThrow('one')
    expect(seen[0]?.aborted).toBe(false)
    two.abort(new Error('two'))
    await expect(reads[1]).rejects.toThrow('two')
    expect(seen[0]?.aborted).toBe(true)
  })

  it('does not start for a signal that has aborted', async () => {
    const { cache, reads } = await open(never)
    await expect(cache.fill(everything, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow(
      'early',
    )
    expect(reads).toEqual([])
  })

  it('ends waiting reads when the cache is closed, and refuses later ones', async () => {
    const { cache } = await open(never)
    const waiting = expect(cache.fill(everything)).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' })
    await cache.close()
    await waiting
    await expect(cache.read(everything)).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' })
    await cache.close()
  })
})

describe('blob meta that points out of the blob', () => {
  it('is refused before anything is fetched', async () => {
    const short = { ...made, blob: { ...made.blob, compressedSize: 120_000 } }
    const { cache, reads } = await open(async (range) => stored(range), { amplifyBytes: 0 }, short)
    expectPlain(await cache.read({ offset: 0, length: 5000 }), { offset: 0, length: 5000 })
    const last = { offset: made.plain.length - 4096, length: 4096 }
    await expect(cache.fill(last)).rejects.toMatchObject({ code: 'ERR_FORMAT_OUT_OF_RANGE' })
    expect(reads).toEqual([{ offset: 0, length: 5000 }])
  })
})

describe('chunks that the image does not refer to', () => {
  it('are fetched when asked for, and never along', async () => {
    const referenced = new Set([0, 2, 3])
    const chunkDigest = (index: number): Uint8Array | undefined =>
      referenced.has(index) ? made.digests[index] : undefined
    const { cache } = await open(async (range) => stored(range), { chunkDigest })
    await cache.fill({ offset: made.chunks[5]?.uncompressedOffset ?? 0, length: 1 })
    expect(cache.view().readyBits[0]).toBe(0b0000_0100)
    await cache.fill({ offset: 0, length: 1 })
    await cache.close()
    expect(cache.view().readyBits[0]).toBe(0b1011_0100)
  })
})
