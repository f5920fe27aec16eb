// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { decompressExact } from '@nydus/base/compress'
import { digestBytes } from '@nydus/base/digest'
import {
  BLOB_FEATURES,
  blobTailSize,
  type ChunkInfo,
  decodeBlobMetaHeader,
  decodeTarTrailer,
  locateBlobSections,
  openBlobMeta,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { describe, expect, test } from 'vitest'
import { RepackedBlob, type RepackPlan } from '../../src/compact/repacked-blob.ts'

const PLAN: RepackPlan = {
  fsVersion: 6,
  compressor: 'zstd',
  digester: 'blake3',
  toc: false,
  trailer: false,
  encrypt: false,
  features: 0,
}
const CONTENTS = ['one chunk', 'another chunk', 'x'.repeat(5000)].map((text) => Buffer.from(text))

function chunkOf(bytes: Uint8Array): ChunkInfo {
  return {
    digest: digestBytes('blake3', bytes),
    blobIndex: 7,
    flags: CHUNK_FLAGS.HAS_CRC32C | CHUNK_FLAGS.BATCH,
    compressedSize: 0,
    uncompressedSize: bytes.length,
    compressedOffset: 0,
    uncompressedOffset: 0,
    fileOffset: 8192,
    chunkIndex: 99,
    crc32c: 1234,
  }
}

async function repack(plan: Partial<RepackPlan>) {
  const parts: Uint8Array[] = []
  const sink = { write: (bytes: Uint8Array) => void parts.push(bytes) }
  const blob = new RepackedBlob({ ...PLAN, ...plan }, sink, new AbortController().signal)
  const records: ChunkInfo[] = []
  for (const bytes of CONTENTS)
    records.push(await blob.add({ chunk: chunkOf(bytes), stored: bytes, compressed: false }))
  const description = await blob.finish()
  return { description, records, file: new Uint8Array(Buffer.concat(parts)) }
}

describe('RepackedBlob', () => {
  test('v6: chunks, their meta and its header', async () => {
    const { description, records, file } = await repack({})
    expect(records.map(({ uncompressedOffset }) => uncompressedOffset)).toEqual([0, 4096, 8192])
    expect(records.map(({ chunkIndex, flags }) => [chunkIndex, flags])).toEqual(
      [0, 1, 2].map((i) => [i, 0x10]),
    )
    const stored = file.subarray(
      description.metaOffset,
      description.metaOffset + description.metaCompressedSize,
    )
    const header = decodeBlobMetaHeader(file, description.metaOffset + description.metaCompressedSize)
    expect(header).toMatchObject({ chunkCount: 3, features: description.features })
    const array = decompressExact(description.metaCompressor, stored, description.metaUncompressedSize)
    const meta = openBlobMeta(array, header)
    expect(records.map((_, i) => meta.chunk(i).uncompressedSize)).toEqual(
      CONTENTS.map(({ length }) => length),
    )
    expect(description).toMatchObject({
      blobId: createHash('sha256').update(file).digest('hex'),
      compressedSize: file.length,
      uncompressedSize: 8192 + 8192,
      features: BLOB_FEATURES.CAP_TAR_TOC | BLOB_FEATURES.ALIGNED,
    })
  })

  test('v6 with a table of contents: every section has its digest', async () => {
    const { description, records, file } = await repack({ toc: true })
    const tail = file.subarray(file.length - blobTailSize(file.length))
    const { toc, sections, find } = locateBlobSections(tail, file.length)
    expect(sections.map(({ name }) => name)).toEqual([
      'image.blob',
      'blob.meta',
      'blob.meta.header',
      'blob.digest',
    ])
    expect(toc?.size).toBe(description.tocSize)
    const digests = find('blob.digest')
    const at = digests?.compressedOffset ?? 0
    expect(
      Buffer.from(file.subarray(at, at + 96)).equals(Buffer.concat(records.map(({ digest }) => digest))),
    ).toBe(true)
    for (const section of sections.slice(1)) {
      const bytes = file.subarray(section.compressedOffset, section.compressedOffset + section.compressedSize)
      const plain = decompressExact(section.compressor, bytes, section.uncompressedSize)
      expect(createHash('sha256').update(plain).digest().equals(section.digest)).toBe(true)
    }
    expect(
      createHash('sha256').update(file.subarray(toc?.offset)).digest().equals(description.tocDigest),
    ).toBe(true)
  })

  test('v5: chunks back to back, a trailer where it is wanted', async () => {
    const plain = await repack({ fsVersion: 5 })
    expect(plain.file.length).toBe(CONTENTS.reduce((sum, { length }) => sum + length, 0))
    expect(plain.records.map(({ uncompressedOffset }) => uncompressedOffset)).toEqual([0, 9, 22])
    const framed = await repack({ fsVersion: 5, trailer: true })
    expect(decodeTarTrailer(framed.file.subarray(-512))).toMatchObject({
      name: 'image.blob',
      size: plain.file.length,
    })
    expect(framed.description).toMatchObject({ compressedSize: plain.file.length, metaUncompressedSize: 0 })
  })

  test('encrypted: nothing readable in the file, another key each time', async () => {
    const [one, two] = [await repack({ encrypt: true }), await repack({ encrypt: true })]
    expect(Buffer.from(one.file).includes('chunk')).toBe(false)
    expect(() => decodeBlobMetaHeader(one.file, one.file.length - 4096)).toThrow()
    expect(one.description.metaBlobDigest).not.toEqual(two.description.metaBlobDigest)
    expect(one.description.features & BLOB_FEATURES.CHUNK_INFO_V2).not.toBe(0)
  })
})
