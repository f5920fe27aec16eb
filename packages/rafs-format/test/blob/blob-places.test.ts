// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  BLOB_FEATURES,
  blobDataSize,
  hasBlobFeatures,
  hasBlobMeta,
  isLegacyStargz,
  legacyStargzReadSize,
  locateBlobMeta,
  openBootstrap,
} from '../../src/index.ts'
import { output } from '../golden.ts'
import { madeBlob } from '../make-bootstrap.ts'

const BLOB = { ...madeBlob(0, 0x3000), compressedSize: 5000, metaOffset: 3000 }
const { CAP_TAR_TOC, HAS_TAR_HEADER, SEPARATE, INLINED_FS_META, ZRAN } = BLOB_FEATURES

describe('blobDataSize', () => {
  it.each([
    ['a referenced tar.gz', { features: SEPARATE | CAP_TAR_TOC }, 5000],
    ['builders before 2.2', { features: 1 }, 5000],
    ['current builders', { features: CAP_TAR_TOC }, 3000],
    ['sections with trailers', { features: CAP_TAR_TOC | HAS_TAR_HEADER }, 2488],
    ['blobs without blob meta', { features: CAP_TAR_TOC, metaCompressedSize: 0 }, 5000],
    ['v5 with inline meta', { features: CAP_TAR_TOC | HAS_TAR_HEADER, metaUncompressedSize: 0 }, 4488],
    ['a blob meta at the start', { features: CAP_TAR_TOC | HAS_TAR_HEADER, metaOffset: 0 }, 0],
  ])('of %s', (_, members, expected) => expect(blobDataSize({ ...BLOB, ...members })).toBe(expected))
})

describe('locateBlobMeta', () => {
  it('names the separate meta blob of a referenced tar.gz', () => {
    const [blob] = openBootstrap(output('mixed-zran-l6', 'bootstrap')).blobs
    if (!blob) throw new Error('no blob')
    const meta = output('mixed-zran-l6', 'blob')
    expect(hasBlobFeatures(blob, SEPARATE | ZRAN)).toBe(true)
    expect(locateBlobMeta(blob)).toEqual({
      blobId: createHash('sha256').update(meta).digest('hex'),
      separate: true,
      offset: 0,
      compressedSize: meta.length - 4096,
    })
  })
  it('leaves the name open where the bootstrap is part of the meta blob', () => {
    const inline = { ...BLOB, features: SEPARATE | INLINED_FS_META }
    expect(locateBlobMeta(inline)).toMatchObject({ blobId: undefined, separate: true })
  })
  it('is in the blob itself for others, and nowhere without chunks', () => {
    expect(locateBlobMeta(BLOB)).toMatchObject({ blobId: BLOB.blobId, separate: false, offset: 3000 })
    expect(locateBlobMeta({ ...BLOB, metaCompressedSize: 0 })).toBeUndefined()
    expect(hasBlobMeta(BLOB)).toBe(true)
    expect(hasBlobFeatures(BLOB, SEPARATE | ZRAN)).toBe(false)
  })
})

describe('legacy stargz', () => {
  it('is gzip without chunk records of version 2', () => {
    expect(isLegacyStargz({ compressor: 'gzip', features: 0 })).toBe(true)
    expect(isLegacyStargz({ compressor: 'gzip', features: BLOB_FEATURES.CHUNK_INFO_V2 })).toBe(false)
    expect(isLegacyStargz({ compressor: 'zstd', features: 0 })).toBe(false)
  })
  it('reads room for incompressible data, but not past the end of the blob', () => {
    expect(legacyStargzReadSize(1000, 1 << 20)).toBe(1000 + 10 + 8 + 5 + 128)
    expect(legacyStargzReadSize(1 << 20, 1 << 22)).toBe((1 << 20) + 151 + 64 * 5)
    expect(legacyStargzReadSize(1 << 20, 500)).toBe(500)
  })
})
