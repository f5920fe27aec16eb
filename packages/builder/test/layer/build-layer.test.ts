// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { DigestError } from '@nydus/base/error'
import { openBootstrap, parseBlobMetaFile } from '@nydus/rafs-format'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  type BlobSink,
  type BuildProgress,
  buildLayer,
  buildTar,
  createChunkPool,
  openChunkDict,
} from '../../src/index.ts'
import { memorySink, noise, pieces, prose, tarOf } from '../layer-bytes.ts'
import { blocks, header } from '../tar-bytes.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())

const FILES = {
  large: noise(5_000_000),
  'large-again': noise(5_000_000),
  text: prose(3_000_000),
  empty: new Uint8Array(0),
  ...Object.fromEntries(
    Array.from({ length: 700 }, (_, i) => [`small-${i}`, prose(50 + ((i * 37) % 9000), i % 300)]),
  ),
}
const TAR = tarOf(FILES)

async function build(stored: Uint8Array, options: Partial<Parameters<typeof buildLayer>[1]> = {}) {
  const sink = memorySink()
  const layer = await buildLayer(pieces(stored), { pool, sink, ...options })
  return { layer, blob: sink.bytes() }
}

/** Each piece overwrites the one before. */
async function* usedAgain(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const memory = new Uint8Array(3001)
  for (let at = 0; at < bytes.length; at += memory.length) {
    const piece = bytes.subarray(at, at + memory.length)
    memory.set(piece)
    yield memory.subarray(0, piece.length)
    memory.fill(0xee)
  }
}

/** After every failure the pool builds as before. */
async function expectUsable(): Promise<void> {
  const { layer } = await build(gzipSync(tarOf({ file: noise(700_000) })))
  expect(layer.chunkCount).toBe(1)
}

describe('buildLayer', () => {
  it('gives the bootstrap to a sink of its own, in order', async () => {
    const apart = { blobInlineMeta: false, blobToc: false } as const
    const bootstrapSink = memorySink()
    const { layer } = await build(TAR, { ...apart, bootstrapSink })
    const { layer: whole } = await build(TAR, apart)
    expect(layer.bootstrap.length).toBe(0)
    expect(Buffer.compare(bootstrapSink.bytes(), whole.bootstrap)).toBe(0)
    expect(layer.blobs).toEqual(whole.blobs)
  })

  it.each([
    ['plain', (tar: Uint8Array) => tar],
    ['gzip', (tar: Uint8Array) => gzipSync(tar)],
    ['zstd', (tar: Uint8Array) => zstdCompressSync(tar)],
  ])('takes %s input that uses its memory again', async (_, compress) => {
    for (const tar of [TAR, tarOf({ small: prose(9000) })]) {
      const stored = compress(tar)
      const { layer } = await build(stored)
      const again = await buildTar(usedAgain(stored), { pool, sink: memorySink() })
      expect(again).toMatchObject({ blobId: layer.blobId, tarSize: tar.length })
      expect(again).not.toHaveProperty('diffId')
    }
  })

  it('describes what it wrote', async () => {
    const { layer, blob } = await build(gzipSync(TAR))
    const sha256 = createHash('sha256').update(blob).digest('hex')
    expect(layer).toMatchObject({
      blobId: sha256,
      digest: `sha256:${sha256}`,
      size: blob.length,
      diffId: `sha256:${createHash('sha256').update(TAR).digest('hex')}`,
      tarSize: TAR.length,
      hasData: true,
    })
    expect(layer.dedupBytes).toBeGreaterThanOrEqual(5_000_000)
    const { header: metaHeader } = parseBlobMetaFile(layer.blobMeta as Uint8Array)
    expect(metaHeader.chunkCount).toBe(layer.chunkCount)
    expect(openBootstrap(layer.bootstrap).blobs[0]?.blobId).toBe('x'.repeat(64))
  })

  it('gives the same bytes for any compression of the source, cut, number of workers and company', async () => {
    const expected = await build(TAR)
    const single = createChunkPool({ workers: 1, maxInFlightBytes: 1 })
    const many = createChunkPool({ workers: 5 })
    const builds = await Promise.all([
      build(gzipSync(TAR)),
      build(zstdCompressSync(TAR), { pool: many }),
      build(gzipSync(TAR), { pool: single }),
      build(TAR, { pool: many }),
      build(gzipSync(TAR, { level: 1 }), { pool: many }),
    ])
    for (const { layer, blob } of builds) {
      expect(Buffer.compare(blob, expected.blob)).toBe(0)
      expect({ ...layer, blobMeta: undefined }).toEqual({ ...expected.layer, blobMeta: undefined })
    }
    await Promise.all([single.close(), many.close()])
  })

  it('reports progress that ends with everything', async () => {
    const seen: BuildProgress[] = []
    const { layer } = await build(gzipSync(TAR), { onProgress: (progress) => void seen.push(progress) })
    expect(seen.length).toBeGreaterThan(5)
    expect(seen.map(({ chunks }) => chunks)).toEqual(seen.map(({ chunks }) => chunks).sort((a, b) => a - b))
    const last = seen.at(-1)
    expect(last?.chunks).toBe(699 + 5 + 5 + 3 + 1)
    expect(last?.blobBytes).toBeLessThan(layer.size)
  })

  it('waits for a slow sink, one write at a time', async () => {
    let writing = 0
    const parts: Uint8Array[] = []
    const sink: BlobSink = {
      async write(bytes) {
        writing += 1
        expect(writing).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 2))
        parts.push(bytes)
        writing -= 1
      },
    }
    const { layer } = await build(TAR, { sink })
    expect(createHash('sha256').update(Buffer.concat(parts)).digest('hex')).toBe(layer.blobId)
  })

  it('skips the files that stargz layers have for themselves', async () => {
    const { layer } = await build(
      tarOf({ 'stargz.index.json': noise(3000), '.no.prefetch.landmark': noise(1) }),
    )
    expect([layer.chunkCount, layer.hasData, layer.blobMeta]).toEqual([0, false, undefined])
  })

  it('writes nothing for a layer without data when the bootstrap is not inside', async () => {
    const { layer, blob } = await build(tarOf({ empty: new Uint8Array(0) }), { blobInlineMeta: false })
    expect([blob.length, layer.size, layer.hasData, openBootstrap(layer.bootstrap).blobs]).toEqual([
      0,
      0,
      false,
      [],
    ])
  })

  it('takes chunks from a dictionary and lists its blob', async () => {
    const base = await build(tarOf({ shared: noise(2_500_000) }), { blobInlineMeta: false, blobToc: false })
    const dict = openChunkDict(base.layer.bootstrap)
    const { layer } = await build(tarOf({ copy: noise(2_500_000), own: noise(10, 5) }), { dict })
    expect([layer.chunkCount, layer.dedupBytes]).toEqual([1, 2_500_000])
    expect(openBootstrap(layer.bootstrap).blobs.map(({ blobId }) => blobId)).toEqual([
      base.layer.runningId,
      'x'.repeat(64),
    ])
  })
})

describe('buildLayer with bad input', () => {
  afterEach(expectUsable)

  it.each([
    ['gzip', gzipSync(noise(2_000_000))],
    ['zstd', zstdCompressSync(noise(2_000_000))],
  ])('refuses truncated %s', async (_, stored) => {
    for (const length of [stored.length - 1, 700_000, 100]) {
      await expect(build(stored.subarray(0, length))).rejects.toThrow()
    }
    const cut = gzipSync(TAR).subarray(0, -5)
    await expect(build(cut)).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_FAILED',
      message: 'truncated gzip layer',
    })
  })

  it.each([
    ['noise', noise(200_000)],
    ['text', Buffer.from('<html>503 Service Unavailable</html>'.repeat(100))],
    ['a cut tar', TAR.subarray(0, 3_000_000)],
    ['a cut header', TAR.subarray(0, 200)],
  ])('refuses %s', async (_, stored) => {
    await expect(build(stored)).rejects.toMatchObject({ code: 'ERR_BUILD_BAD_TAR' })
    await expect(build(gzipSync(stored))).rejects.toMatchObject({ code: 'ERR_BUILD_BAD_TAR' })
  })

  it('refuses a bad entry behind many good ones', async () => {
    const bad = Buffer.concat([TAR.subarray(0, -1024), header({ name: '../../escape' }), Buffer.alloc(1024)])
    await expect(build(gzipSync(bad))).rejects.toMatchObject({ code: 'ERR_BUILD_PATH_ESCAPE' })
    const below = Buffer.concat([
      TAR.subarray(0, -1024),
      header({ name: 'text/below', size: 3 }),
      blocks('abc'),
      Buffer.alloc(1024),
    ])
    await expect(build(below)).rejects.toMatchObject({ code: 'ERR_BUILD_DUPLICATE_ENTRY' })
  })

  it('stops at a limit of plain bytes', async () => {
    const bomb = gzipSync(tarOf({ zeros: new Uint8Array(30 << 20) }))
    await expect(build(bomb, { maxTarBytes: 8 << 20 })).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_TOO_LARGE',
    })
  })

  it('passes on what the input throws', async () => {
    const failure = new DigestError('ERR_DIGEST_MISMATCH', 'not the bytes that were promised')
    for (const stored of [TAR, gzipSync(TAR)]) {
      async function* input() {
        yield* pieces(stored)
        throw failure
      }
      await expect(buildLayer(input(), { pool, sink: memorySink() })).rejects.toBe(failure)
    }
  })
})

describe('buildLayer that is stopped', () => {
  afterEach(expectUsable)

  it.each([
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EIO', 'ERR_BUILD_IO'],
  ])('fails with a sink that fails: %s', async (code, expected) => {
    let writes = 0
    const sink: BlobSink = {
      async write() {
        writes += 1
        if (writes === 2) throw Object.assign(new Error(`${code}: write`), { code, syscall: 'write' })
      },
    }
    await expect(build(gzipSync(TAR), { sink })).rejects.toMatchObject({ code: expected })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(writes).toBe(2)
  })

  it('passes on other errors of the sink, also thrown at once', async () => {
    const failure = new Error('no registry any more')
    const sink: BlobSink = {
      write() {
        throw failure
      },
    }
    await expect(build(TAR, { sink })).rejects.toBe(failure)
  })

  it('fails with a progress callback that throws', async () => {
    const failure = new Error('the terminal is gone')
    const onProgress = () => {
      throw failure
    }
    await expect(build(TAR, { onProgress })).rejects.toBe(failure)
  })

  it('ends at once when its signal is aborted: before, at the input, at the sink', async () => {
    await expect(build(TAR, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
    })

    const stalled = new AbortController()
    async function* input() {
      yield gzipSync(TAR).subarray(0, 700_000)
      stalled.abort()
      await new Promise(() => undefined)
    }
    await expect(
      buildLayer(input(), { pool, sink: memorySink(), signal: stalled.signal }),
    ).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
    })

    const blocked = new AbortController()
    const sink: BlobSink = {
      write() {
        blocked.abort()
        return new Promise(() => undefined)
      },
    }
    await expect(build(TAR, { sink, signal: blocked.signal })).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
    })
  })

  it('keeps a coded reason of its signal', async () => {
    const reason = new DigestError('ERR_SIZE_MISMATCH', 'another layer failed')
    await expect(build(TAR, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('closes its input', async () => {
    let closed = false
    async function* input() {
      try {
        yield noise(4096)
        yield noise(4096)
      } finally {
        closed = true
      }
    }
    await expect(buildLayer(input(), { pool, sink: memorySink() })).rejects.toMatchObject({
      code: 'ERR_BUILD_BAD_TAR',
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(true)
  })

  it('fails when the pool is closed under it', async () => {
    const closing = createChunkPool({ workers: 1 })
    const failing = expect(
      build(gzipSync(TAR), { pool: closing, onProgress: () => void closing.close() }),
    ).rejects
    await failing.toMatchObject({ code: 'ERR_BUILD_IO' })
  })
})
