// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BlobInfo, encodeChunkMeta } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBlobCache } from '../src/index.ts'
import * as golden from './golden.ts'
import { BLOB_ID, makeBlob, randomChunk } from './made-blob.ts'

const made = makeBlob([randomChunk(5000, 1), randomChunk(3, 2), randomChunk(4096, 3), randomChunk(9000, 4)], {
  crc: true,
})
const everything = { offset: 0, length: made.plain.length }

function open(workDir: string, blob: BlobInfo = made.blob, bytes: Uint8Array = made.bytes) {
  return openBlobCache({ blob, source: golden.countingSource(BLOB_ID, bytes), workDir })
}

describe('openBlobCache', () => {
  it('leaves three sparse files and uses them the next time', async () => {
    const workDir = join(golden.scratch(onTestFinished), 'made', 'on', 'demand')
    const first = await open(workDir)
    expect(Buffer.from(await first.read(everything)).equals(made.plain)).toBe(true)
    await first.close()
    expect(readdirSync(workDir).sort()).toEqual(
      ['.blob.data', '.blob.data.chunk_map', '.blob.meta'].map((end) => BLOB_ID + end),
    )
    expect(statSync(join(workDir, `${BLOB_ID}.blob.data`)).size).toBe(made.blob.uncompressedSize)
    const second = await openBlobCache({ blob: made.blob, source: golden.forbiddenSource(BLOB_ID), workDir })
    expect(Buffer.from(await second.read(everything)).equals(made.plain)).toBe(true)
    await second.close()
  })

  it('gives other threads what they need to serve it', async () => {
    const cache = await open(golden.scratch(onTestFinished))
    const view = structuredClone(cache.view())
    expect([...view.chunkStarts]).toEqual(made.chunks.map((chunk) => chunk.uncompressedOffset))
    expect([...view.chunkSizes]).toEqual(made.chunks.map((chunk) => chunk.uncompressedSize))
    expect([...view.readyBits]).toEqual([0])
    await cache.fill({ offset: 0, length: 1 })
    expect(view.readyBits[0]).toBe(0b1111_0000)
    await cache.close()
  })

  it('does not believe the map of data that is gone', async () => {
    const workDir = golden.scratch(onTestFinished)
    const first = await open(workDir)
    await first.read(everything)
    await first.close()
    const data = join(workDir, `${BLOB_ID}.blob.data`)
    const steps = [() => rmSync(data), () => truncateSync(data, 9000)]
    for (const lose of steps) {
      lose()
      const again = await open(workDir)
      expect(Buffer.from(await again.read(everything)).equals(made.plain)).toBe(true)
      await again.close()
    }
  })

  it('refuses data that is longer than the blob', async () => {
    const workDir = golden.scratch(onTestFinished)
    writeFileSync(join(workDir, `${BLOB_ID}.blob.data`), new Uint8Array(made.plain.length + 1))
    await expect(open(workDir)).rejects.toMatchObject({ code: 'ERR_CACHE_STATE_CORRUPT' })
  })

  it('closes what it opened when it fails half-way', async () => {
    const workDir = golden.scratch(onTestFinished)
    writeFileSync(join(workDir, `${BLOB_ID}.blob.data.chunk_map`), new Uint8Array(5000).fill(1))
    const before = readdirSync('/proc/self/fd').length
    await expect(open(workDir)).rejects.toMatchObject({ code: 'ERR_CACHE_STATE_CORRUPT' })
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  it.each(['../../etc/passwd', '.', 'a/b', '', 'a'.repeat(65)])(
    'refuses the blob id %j as a file name',
    async (blobId) => {
      await expect(open(golden.scratch(onTestFinished), { ...made.blob, blobId })).rejects.toMatchObject({
        code: 'ERR_FORMAT_CORRUPT',
      })
    },
  )

  it.each([
    ['a moved chunk', { uncompressedOffset: 16384 }],
    ['an overlapping chunk', { uncompressedOffset: 4096 }],
    ['a chunk that leaves a hole', { uncompressedSize: 4096 * 3 }],
    ['a chunk larger than chunks are', { uncompressedSize: 1 << 21 }],
  ])('refuses a blob meta with %s, which would read as zeros', async (_, change) => {
    const chunks = made.chunks.map((chunk, i) => (i === 1 ? { ...chunk, ...change } : chunk))
    const bytes = made.bytes.slice()
    bytes.set(encodeChunkMeta(2, chunks), made.blob.metaOffset)
    await expect(open(golden.scratch(onTestFinished), made.blob, bytes)).rejects.toMatchObject({
      code: 'ERR_FORMAT_CORRUPT',
    })
  })

  it('says where it cannot write', async () => {
    const workDir = golden.scratch(onTestFinished)
    writeFileSync(join(workDir, 'file'), '')
    await expect(open(join(workDir, 'file', 'cache'))).rejects.toMatchObject({ code: 'ERR_CACHE_IO' })
  })

  it('validates by the blob’s own digests when it has no others', async () => {
    const [, blob] = golden.bootstrapOf('layers-merge-v6-layers').blobs
    if (blob === undefined) throw new Error('no blob')
    const bytes = golden.blobById(blob.blobId).slice()
    const workDir = golden.scratch(onTestFinished)
    const source = golden.countingSource(blob.blobId, bytes)
    const cache = await openBlobCache({ blob, source, workDir, validate: true })
    const plain = await cache.read({ offset: 0, length: blob.uncompressedSize })
    await cache.close()
    expect(existsSync(join(workDir, `${blob.blobId}.blob.digest`))).toBe(true)
    expect(readFileSync(join(workDir, `${blob.blobId}.blob.data`)).equals(plain)).toBe(true)
  })
})
