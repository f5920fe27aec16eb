// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib'
import { openBootstrap, SUPER_FLAGS, validateBootstrap, walkTree } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { buildZranLayer, createChunkPool, openChunkDict } from '../../src/index.ts'
import { readTree } from '../fixture-store.ts'
import { memorySink, noise, pieces, prose, tarOf } from '../layer-bytes.ts'
import { differingFiles } from '../tree-files.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())
const SEPARATE = { blobInlineMeta: false, blobToc: false } as const

/** Compressible and incompressible files around a context's size. */
const FILES = Object.fromEntries(
  Array.from({ length: 60 }, (_, i) => [
    `f${i}`,
    (i % 3 === 0 ? noise : prose)(1 + ((i * 77_777) % 300_000), i + 1),
  ]),
)
const TAR = tarOf({ ...FILES, large: noise(3_000_000, 99), twice: noise(3_000_000, 99) })

describe('buildZranLayer', () => {
  it.each([
    ['one member', gzipSync(TAR)],
    ['stored blocks', gzipSync(TAR, { level: 0 })],
    ['small blocks', gzipSync(TAR, { memLevel: 1 })],
    ['a member for each 100,000 bytes', membersOf(TAR, 100_000)],
    ['members that end with blocks of the tar', membersOf(TAR, 512 * 300)],
  ])('describes %s so that every file can be read', async (_name, data) => {
    const sink = memorySink()
    const layer = await buildZranLayer(pieces(data, 77_777), { pool, sink, ...SEPARATE })
    expect(validateBootstrap(layer.bootstrap)).toEqual([])
    const { differing, count } = await differingFiles(TAR, layer.bootstrap, { data, meta: sink.bytes() })
    expect(differing).toEqual([])
    expect(count).toBe(62)
    expect(layer.dedupBytes).toBe(3_000_000)
  })

  it('gives the same bytes for any cut of the source', async () => {
    const data = gzipSync(TAR)
    const seen = new Set<string>()
    for (const size of [data.length, 4_001, 65_536]) {
      const sink = memorySink()
      const layer = await buildZranLayer(pieces(data, size), { pool, sink })
      seen.add(`${sink.bytes().toString('base64')} ${Buffer.from(layer.bootstrap).toString('base64')}`)
    }
    expect(seen.size).toBe(1)
  })

  it('names both files in a bootstrap of its own, and only the layer in one inside the meta blob', async () => {
    const data = gzipSync(TAR)
    for (const blobInlineMeta of [false, true]) {
      const sink = memorySink()
      const layer = await buildZranLayer(pieces(data), { pool, sink, blobInlineMeta })
      const blob = openBootstrap(layer.bootstrap).blobs[0]
      expect(blob).toMatchObject({ blobId: layer.blobId, compressedSize: data.length, compressor: 'gzip' })
      expect(blob?.metaBlobSize).toBe(blobInlineMeta ? 0 : layer.size)
      const digest = Buffer.from(blob?.metaBlobDigest ?? []).toString('hex')
      expect(digest).toBe(blobInlineMeta ? '0'.repeat(64) : layer.runningId)
      expect(layer.size).toBe(sink.bytes().length)
    }
  })

  it('describes a layer without data', async () => {
    const sink = memorySink()
    const layer = await buildZranLayer(pieces(gzipSync(tarOf({}))), { pool, sink })
    expect(layer).toMatchObject({ hasData: false, chunkCount: 0, blobs: [] })
    expect(sink.bytes().length).toBe(layer.size)
    expect(validateBootstrap(layer.bootstrap)).toEqual([])
  })

  it('takes chunks from a dictionary', async () => {
    const first = await buildZranLayer(pieces(gzipSync(TAR)), { pool, sink: memorySink(), ...SEPARATE })
    const second = await buildZranLayer(pieces(gzipSync(tarOf({ ...FILES, own: noise(10, 1000) }))), {
      pool,
      sink: memorySink(),
      ...SEPARATE,
      dict: openChunkDict(first.bootstrap),
    })
    expect(second.chunkCount).toBe(1)
    expect(second.blobs.map(({ blobId }) => blobId)).toEqual([first.blobId, second.blobId])
  })

  it('leaves owners out on demand', async () => {
    const options = { pool, sink: memorySink(), repeatable: true }
    const { bootstrap } = await buildZranLayer(pieces(gzipSync(readTree('types'))), options)
    expect(openBootstrap(bootstrap).flags & SUPER_FLAGS.EXPLICIT_UID_GID).toBe(0n)
    for (const { inode } of walkTree(openBootstrap(bootstrap))) expect([inode.uid, inode.gid]).toEqual([0, 0])
  })
})

describe('buildZranLayer refuses', () => {
  const build = (data: Uint8Array, options = {}) =>
    buildZranLayer(pieces(data), { pool, sink: memorySink(), ...options })

  it.each([
    ['sparse files', gzipSync(readTree('quirk-gnu-sparse')), 'ERR_BUILD_UNSUPPORTED_ENTRY'],
    ['a cut gzip', gzipSync(TAR).subarray(0, 100_000), 'ERR_DECOMPRESS_FAILED'],
    ['damage', flip(gzipSync(TAR), 500_000), 'ERR_DECOMPRESS_FAILED'],
    ['a tar that is cut', gzipSync(TAR.subarray(0, 100_000)), 'ERR_BUILD_BAD_TAR'],
    ['what is no tar', gzipSync(noise(2000)), 'ERR_BUILD_BAD_TAR'],
    ['zstd', Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), noise(2000)]), 'ERR_BUILD_BAD_TAR'],
  ])('%s', async (_name, data, code) => {
    await expect(build(data)).rejects.toMatchObject({ code })
  })

  it('bad options and layers above the limit', async () => {
    await expect(build(TAR, { chunkSize: 5000 })).rejects.toMatchObject({ code: 'ERR_BUILD_OPTION_CONFLICT' })
    await expect(build(gzipSync(TAR), { maxTarBytes: 1_000_000 })).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_TOO_LARGE',
    })
  })

  it('to go on when it is told to stop, or its sink fails', async () => {
    const stop = new AbortController()
    async function* hanging(): AsyncGenerator<Uint8Array, void, undefined> {
      yield gzipSync(TAR).subarray(0, 50_000)
      await new Promise(() => undefined)
    }
    const stopped = buildZranLayer(hanging(), { pool, sink: memorySink(), signal: stop.signal })
    setTimeout(() => stop.abort(), 20)
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' })
    const full = {
      write: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' })),
    }
    await expect(buildZranLayer(pieces(gzipSync(TAR)), { pool, sink: full })).rejects.toMatchObject({
      code: 'ERR_NO_SPACE',
    })
  })
})

function membersOf(bytes: Uint8Array, size: number): Buffer {
  const members = []
  for (let at = 0; at < bytes.length; at += size) members.push(gzipSync(bytes.subarray(at, at + size)))
  return Buffer.concat(members)
}

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[at] = (flipped[at] as number) ^ 0x10
  return flipped
}
