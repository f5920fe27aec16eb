// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  blobFeatureNames,
  type ChunkInfo,
  checkBlobFeatures,
  chunkCrc32c,
  compressorFromId,
  decodeBlobTable,
  decodeChunkInfo,
  decodePrefetchTable,
  digesterFromId,
  encodeBlobTable,
  encodeChunkInfo,
  encodeChunkTable,
  encodePrefetchTable,
  isCompressedChunk,
  openBootstrap,
  openChunkTable,
  planDeviceSlots,
  superFlagNames,
} from '../src/index.ts'
import { output } from './golden.ts'
import { madeBlob } from './make-bootstrap.ts'

const CHUNK: ChunkInfo = {
  digest: new Uint8Array(32).map((_, i) => i),
  blobIndex: 1,
  flags: 0x11,
  compressedSize: 2,
  uncompressedSize: 3,
  compressedOffset: 2 ** 40 + 4,
  uncompressedOffset: 2 ** 44 + 5,
  fileOffset: 2 ** 45 + 6,
  chunkIndex: 7,
  crc32c: 0xffff_ffff,
}

describe('chunk table', () => {
  it('finds chunks by blob and index', () => {
    const chunks = [CHUNK, { ...CHUNK, blobIndex: 0 }, { ...CHUNK, chunkIndex: 0xff_ffff }]
    const bytes = encodeChunkTable(chunks)
    const table = openChunkTable(bytes, 0, bytes.length)
    expect([...table]).toEqual(chunks)
    expect(table.find(1, 7)).toEqual(CHUNK)
    expect(table.find(0, 7)).toEqual(chunks[1])
    expect(table.find(1, 0xff_ffff)).toEqual(chunks[2])
    expect(table.find(1, 8)).toBeUndefined()
    expect(() => table.at(3)).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
  })
  it('refuses a partial record and a place outside', () => {
    const bytes = new Uint8Array(160)
    expect(() => openChunkTable(bytes, 0, 81)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_MISALIGNED' }),
    )
    expect(() => openChunkTable(bytes, 80, 160)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
  it('reads one record anywhere', () => {
    expect(decodeChunkInfo(encodeChunkInfo(CHUNK))).toEqual(CHUNK)
    expect(isCompressedChunk(CHUNK)).toBe(true)
    expect(isCompressedChunk({ flags: 0x10 })).toBe(false)
    expect(chunkCrc32c(CHUNK)).toBe(0xffff_ffff)
    expect(chunkCrc32c({ flags: 1, crc32c: 5 })).toBeUndefined()
  })
})

describe('blob table', () => {
  it('keeps every member', () => {
    const blob = {
      ...madeBlob(0, 0x3000),
      tocSize: 1152,
      tocDigest: new Uint8Array(32).fill(1),
      metaBlobSize: 77,
      features: 0x7000_0021,
    }
    expect(decodeBlobTable(encodeBlobTable([blob]), 0, 1, 0x1000)).toEqual([blob])
  })
  it('reads the key and the IV of an encrypted blob', () => {
    const [blob] = openBootstrap(output('mixed-v6-encrypt', 'bootstrap')).blobs
    expect(blob).toMatchObject({ cipher: 1, metaBlobSize: 0 })
    expect(blob?.ivHead?.some((byte) => byte !== 0)).toBe(true)
    expect(blob?.metaBlobDigest.some((byte) => byte !== 0)).toBe(true)
  })
  it('refuses a blob with another chunk size, more than 2^24 chunks or an unknown cipher', () => {
    for (const change of [
      { chunkSize: 0x2000 },
      { chunkCount: 2 ** 24 + 1 },
      { cipher: 2 },
      { compressedSize: 2 ** 40 + 1 },
      { uncompressedSize: 2 ** 44 + 1 },
    ]) {
      const table = encodeBlobTable([{ ...madeBlob(0, 0x3000), ...change }])
      expect(() => decodeBlobTable(table, 0, 1, 0x1000)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
      )
    }
  })
})

describe('prefetch table', () => {
  it('ends at the first zero', () => {
    const table = encodePrefetchTable([128, 0xffff_ffff, 0, 140])
    const bytes = Uint8Array.from([...new Uint8Array(8), ...table])
    expect(decodePrefetchTable(bytes, 8, table.length)).toEqual([128, 0xffff_ffff])
    expect(decodePrefetchTable(bytes, 8, 0)).toEqual([])
    expect(decodePrefetchTable(bytes, 0, table.length)).toEqual([])
    expect(() => decodePrefetchTable(table, 4, table.length)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
  it.each([
    ['mixed-prefetch-v6-fs-root', [128]],
    ['mixed-prefetch-v6-none-dirs', []],
  ])('of %s is %j', (id, nids) => expect(openBootstrap(output(id, 'bootstrap')).prefetchNids()).toEqual(nids))
})

describe('device slots', () => {
  it('lie at multiples of 512 KiB behind each other', () => {
    const slots = planDeviceSlots(
      [madeBlob(0, 0x3fff), madeBlob(1, 0x8_0000, 'b'), madeBlob(2, 0x1000, 'c')],
      0x8_0001,
      4096,
    )
    expect(slots.map(({ blocks, mappedBlockAddr }) => [blocks, mappedBlockAddr])).toEqual([
      [3, 0x100],
      [0x80, 0x180],
      [1, 0x200],
    ])
  })
  it('refuses what a flat image cannot address', () => {
    expect(() => planDeviceSlots([{ blobId: 'a', uncompressedSize: 2 ** 44 }], 4096, 4096)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
})

describe('flags', () => {
  it('have names', () => {
    expect(superFlagNames(0x0100_0034n)).toEqual([
      'HASH_BLAKE3',
      'EXPLICIT_UID_GID',
      'HAS_XATTR',
      'ENCRYPTION_NONE',
    ])
    expect(blobFeatureNames(0x7000_0021)).toEqual([
      'ALIGNED',
      'INLINED_CHUNK_DIGEST',
      'HAS_TAR_HEADER',
      'HAS_TOC',
      'CAP_TAR_TOC',
    ])
  })
  it('refuse unknown numbers', () => {
    expect(() => compressorFromId(4)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_COMPRESSION' }),
    )
    expect(() => digesterFromId(2)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_FEATURE' }),
    )
    for (const features of [0x1000, 0x8000_0000]) {
      expect(() => checkBlobFeatures(features, 'blob')).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_FEATURE' }),
      )
    }
    expect(checkBlobFeatures(0x0fff_0fff, 'blob')).toBeUndefined()
  })
})
