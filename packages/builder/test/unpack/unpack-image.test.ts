// SPDX-License-Identifier: Apache-2.0
import { FILE_TYPE, openBootstrap } from '@nydus/rafs-format'
import { afterAll, describe, expect, it } from 'vitest'
import { writeBootstrap } from '../../src/bootstrap/write-bootstrap.ts'
import { type BuildLayerOptions, buildLayer, createChunkPool } from '../../src/index.ts'
import { readTar } from '../../src/tar/read-tar.ts'
import { displayPath, nameBytes } from '../../src/tree/byte-name.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { createNode, type Node } from '../../src/tree/node.ts'
import { type UnpackInput, unpackImage } from '../../src/unpack/unpack-image.ts'
import { blobChunkReader, type CountingReader } from '../blob-chunk-reader.ts'
import { manifest, readTree } from '../fixture-store.ts'
import { memorySink, pieces } from '../layer-bytes.ts'
import { stream } from '../tar-bytes.ts'
import { blobOf, directory, fileChunks, symlink } from '../tree-builder.ts'

const pool = createChunkPool({ workers: 2 })
afterAll(() => pool.close())

type Options = Omit<BuildLayerOptions, 'pool' | 'sink'>

/** Builds an image of one layer and unpacks it again. */
async function roundTrip(tar: Uint8Array, options: Options): Promise<Buffer> {
  const blob = memorySink()
  const { bootstrap } = await buildLayer(pieces(tar), { ...options, pool, sink: blob })
  const data = blob.bytes()
  const open = openBootstrap(bootstrap)
  const output = memorySink()
  await unpackImage({
    bootstrap: open,
    chunks: blobChunkReader(open, () => ({ data })),
    output,
  })
  return output.bytes()
}

/** What our own reader refuses, or reads as something that is gone afterwards. */
const NOT_BUILDABLE = /^quirk-(dotdot|dotdot-out|link-to-dir|unknown-type|cut-data|cut-header|bad-sum)$/
const VARIANTS: Readonly<Record<string, Options>> = {
  'v6, defaults': {},
  'v6, plain chunks of 4 KiB': {
    compressor: 'none',
    chunkSize: 4096,
    digester: 'sha256',
    blobInlineMeta: false,
    blobToc: false,
  },
  'v6, small files in batches, encrypted': { batchSize: 0x1_0000, encrypt: true },
  v5: { fsVersion: 5, blobInlineMeta: false },
}

/** Trees with what the other variants may treat differently: sizes, links, xattrs, whiteouts. */
const TELLING = /^(mixed|types|xattrs|times|rand\d|layer1|layer-hl|quirk-gnu-sparse)$/

describe.each(Object.entries(VARIANTS))(
  'an unpacked image (%s) gives the same image again',
  (variant, options) => {
    const trees = manifest.trees.filter(
      ({ name }) => !NOT_BUILDABLE.test(name) && (variant === 'v6, defaults' || TELLING.test(name)),
    )
    it.each(trees.map(({ name }) => name))('%s', async (name) => {
      const first = await roundTrip(readTree(name), options)
      expect(Buffer.compare(await roundTrip(first, options), first)).toBe(0)
    })
  },
)

const NOTHING: CountingReader = blobChunkReader(openBootstrap(imageOf({})), () => ({
  data: new Uint8Array(0),
}))

function imageOf(children: Readonly<Record<string, Node>>, chunks = new ChunkStore(), size = 0): Uint8Array {
  return writeBootstrap({
    tree: { root: directory(children), chunks },
    blobs:
      size === 0
        ? []
        : [
            {
              ...blobOf(size, chunks.count),
              metaCompressedSize: 0,
              metaUncompressedSize: 0,
              features: 0x4000_0001,
            },
          ],
    chunkSize: 4096,
    compressor: 'none',
    digester: 'sha256',
  })
}

/** An image with one file of `chunkCount` chunks of 4096 bytes, its reader, and the content. */
function bigFile(chunkCount: number): { readonly bootstrap: Uint8Array; readonly data: Uint8Array } {
  const chunks = new ChunkStore()
  const size = chunkCount * 4096
  const members = fileChunks(chunks, size, 4096, 1, { offset: 0 })
  const node = createNode({ mode: FILE_TYPE.REGULAR | 0o644, ...members })
  const data = new Uint8Array(size).map((_, i) => i >> 12)
  const blob = {
    ...blobOf(size, chunks.count),
    features: 0x4000_0001 | 0x200, // no chunk array: as dictionaries have it
    metaCompressedSize: 0,
    metaUncompressedSize: 0,
  }
  const tree = { root: directory({ big: node }), chunks }
  const bootstrap = writeBootstrap({
    tree,
    blobs: [blob],
    chunkSize: 4096,
    compressor: 'none',
    digester: 'sha256',
  })
  return { bootstrap, data }
}

async function unpack(input: Omit<UnpackInput, 'output'>) {
  const output = memorySink()
  const result = await unpackImage({ ...input, output })
  const entries: string[] = []
  for await (const entry of readTar(stream([output.bytes()]))) {
    const target = entry.target === undefined ? '' : ` -> ${Buffer.from(entry.target).toString()}`
    entries.push(`${entry.kind} ${displayPath(entry.path)}${target}`)
  }
  return { result, entries, tar: output.bytes() }
}

describe('unpackImage', () => {
  it('writes hard links of all types, and the placeholder of a link into a lower layer', async () => {
    const device = createNode({ mode: FILE_TYPE.CHAR_DEVICE | 0o600, rdev: 0x0103 })
    const link = symlink('to/somewhere')
    const placeholder = createNode({
      mode: FILE_TYPE.REGULAR,
      xattrs: [{ name: nameBytes('trusted.nydus.link-target'), value: nameBytes('lower/file') }],
    })
    const bootstrap = imageOf({ a: device, b: link, c: directory({ d: device, e: link }), f: placeholder })
    expect((await unpack({ bootstrap, chunks: NOTHING })).entries).toEqual([
      'directory /',
      'char /a',
      'symlink /b -> to/somewhere',
      'directory /c',
      'hardlink /c/d -> a',
      'hardlink /c/e -> b',
      'hardlink /f -> lower/file',
    ])
  })

  it('leaves sockets out and says so', async () => {
    const bootstrap = imageOf({ s: createNode({ mode: FILE_TYPE.SOCKET | 0o755 }), x: directory({}) })
    const { result, entries } = await unpack({ bootstrap, chunks: NOTHING })
    expect(entries).toEqual(['directory /', 'directory /x'])
    expect(result).toEqual({ entries: 2, size: 512 * 4, skipped: ['/s'] })
  })

  it('gives the same bytes whatever runs ahead', async () => {
    const { bootstrap, data } = bigFile(40)
    const open = openBootstrap(bootstrap)
    const chunks = () => blobChunkReader(open, () => ({ data }))
    const one = await unpack({ bootstrap, chunks: chunks(), maxInFlightBytes: 1 })
    const many = await unpack({ bootstrap, chunks: chunks(), maxInFlightBytes: 1 << 20 })
    expect(Buffer.compare(one.tar, many.tar)).toBe(0)
    expect(Buffer.compare(one.tar.subarray(1024, 1024 + data.length), data)).toBe(0)
  })

  it('reads no further ahead than it may', async () => {
    const { bootstrap, data } = bigFile(40)
    const chunks = blobChunkReader(openBootstrap(bootstrap), () => ({ data }))
    await unpack({ bootstrap, chunks, maxInFlightBytes: 5 * 4096 })
    expect([chunks.reads, chunks.mostInFlight]).toEqual([40, 5 * 4096])
  })

  it('tells how far it is', async () => {
    const { bootstrap, data } = bigFile(2)
    const chunks = blobChunkReader(openBootstrap(bootstrap), () => ({ data }))
    const seen: number[] = []
    const { result } = await unpack({ bootstrap, chunks, onProgress: ({ bytes }) => seen.push(bytes) })
    expect(seen.at(-1)).toBe(result.size)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
  })

  it('fails when a chunk has another length, and writes nothing after that', async () => {
    const { bootstrap } = bigFile(1)
    const output = memorySink()
    const chunks = { ...NOTHING, readChunk: async () => new Uint8Array(4095) }
    await expect(unpackImage({ bootstrap, chunks, output })).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
      details: { blobIndex: 0, chunkIndex: 0, expected: 4096, found: 4095 },
    })
    expect(output.writes).toBe(0)
  })

  it('passes on what the reader and the sink throw', async () => {
    const { bootstrap, data } = bigFile(3)
    const failing = { ...NOTHING, readChunk: () => Promise.reject(new Error('gone')) }
    await expect(unpackImage({ bootstrap, chunks: failing, output: memorySink() })).rejects.toThrow('gone')
    const chunks = blobChunkReader(openBootstrap(bootstrap), () => ({ data }))
    const full = { write: () => Promise.reject(new Error('disk full')) }
    await expect(unpackImage({ bootstrap, chunks, output: full })).rejects.toThrow('disk full')
  })

  it('stops when it is aborted', async () => {
    const { bootstrap } = bigFile(3)
    const stop = new AbortController()
    const hanging = { ...NOTHING, readChunk: () => new Promise<never>(() => undefined) }
    const result = unpackImage({ bootstrap, chunks: hanging, output: memorySink(), signal: stop.signal })
    stop.abort()
    await expect(result).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' })
  })

  it('refuses what is no bootstrap', async () => {
    const input = { bootstrap: new Uint8Array(4096), chunks: NOTHING, output: memorySink() }
    await expect(unpackImage(input)).rejects.toMatchObject({ code: 'ERR_FORMAT_BAD_MAGIC' })
  })
})
