// SPDX-License-Identifier: Apache-2.0
import { lookupEntry, openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { createBlobViews } from '../src/blob-views.ts'
import { MISS, readReady } from '../src/read-ready.ts'
import { createReplyBuffer } from '../src/reply-buffer.ts'
import { fixtureBootstrap } from './support/fixture.ts'

const bootstrap = openBootstrap(fixtureBootstrap('mixed-tar-v6-zstd-blake3'))
const rootOf = (text: string) => lookupEntry(bootstrap, bootstrap.rootNid, Buffer.from(text))?.nid ?? 0
const CHUNKS = [...bootstrap.chunkTable()].sort(
  (left, right) => left.uncompressedOffset - right.uncompressedOffset,
)

/** A source whose chunks are all there; `readAt` gives the low byte of each offset. */
function createSource(options: { short?: boolean } = {}) {
  const calls: { offset: number; length: number }[] = []
  const views = createBlobViews()
  const readyBits = new Uint8Array(new SharedArrayBuffer(Math.ceil(CHUNKS.length / 8))).fill(0xff)
  const view = {
    blobIndex: 0,
    fd: 9,
    uncompressedSize: bootstrap.blobs[0]?.uncompressedSize ?? 0,
    chunkStarts: Float64Array.from(CHUNKS, (chunk) => chunk.uncompressedOffset),
    chunkSizes: Uint32Array.from(CHUNKS, (chunk) => chunk.uncompressedSize),
    readyBits,
  }
  const readAt = (fd: number, buffer: Uint8Array, length: number, offset: number): number => {
    expect(fd).toBe(9)
    calls.push({ offset, length })
    for (let index = 0; index < length; index += 1) buffer[index] = offset + index
    return options.short === true ? length - 1 : length
  }
  return { bootstrap, views, view, readAt, calls }
}

describe('readReady', () => {
  const nid = rootOf('sparse')
  const out = createReplyBuffer()

  it('is a miss until the blob is opened and the chunk is ready', () => {
    const source = createSource()
    const request = { nid, offset: 0, size: 4096 }
    expect(readReady(source, request, out)).toBe(MISS)
    source.views.add(source.view.blobIndex, source.view)
    expect(readReady(source, request, out)).toBe(4096)
    source.view.readyBits.fill(0)
    expect(readReady(source, request, out)).toBe(MISS)
  })

  it('puts extents behind each other and stops at the end of the file', () => {
    const source = createSource()
    source.views.add(source.view.blobIndex, source.view)
    expect(readReady(source, { nid, offset: 2_097_000, size: 4096 }, out)).toBe(229)
    expect(readReady(source, { nid, offset: 2_097_229, size: 4096 }, out)).toBe(0)
    source.calls.length = 0
    expect(readReady(source, { nid, offset: 1_048_000, size: 10_000 }, out)).toBe(10_000)
    const total = source.calls.reduce((sum, call) => sum + call.length, 0)
    expect(total).toBe(10_000)
    const last = source.calls.at(-1)
    expect(out.payload[9_999]).toBe(((last?.offset ?? 0) + (last?.length ?? 0) - 1) & 0xff)
  })

  it('never writes past the reply buffer', () => {
    const source = createSource()
    source.views.add(source.view.blobIndex, source.view)
    expect(readReady(source, { nid, offset: 0, size: 2 ** 31 }, createReplyBuffer(5000))).toBe(5000)
  })

  it('is a miss when the file is shorter than its map', () => {
    const source = createSource({ short: true })
    source.views.add(source.view.blobIndex, source.view)
    expect(readReady(source, { nid, offset: 0, size: 4096 }, out)).toBe(MISS)
  })

  it('throws for what is no regular file', () => {
    expect(() => readReady(createSource(), { nid: bootstrap.rootNid, offset: 0, size: 1 }, out)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
  })
})
