// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { encodeTarTrailer, formatTocFile, locateBlobSections, parseTocFile } from '../../src/index.ts'
import { output } from '../golden.ts'

const BLOB = output('mixed-v6-batch-inline-toc', 'blob')

describe('parseTocFile', () => {
  it('reads the end of a layer blob, and writes it back byte for byte', () => {
    const { toc, sections } = locateBlobSections(BLOB.subarray(-4096), BLOB.length)
    if (!toc) throw new Error('no ToC')
    const file = BLOB.subarray(toc.offset, toc.offset + toc.size)
    expect(parseTocFile(file)).toEqual(sections)
    expect(Buffer.compare(formatTocFile(parseTocFile(file)), file)).toBe(0)
  })
  it.each([
    ['nothing', new Uint8Array(0), 'ERR_FORMAT_TRUNCATED'],
    ['no trailer', new Uint8Array(640), 'ERR_FORMAT_CHECKSUM_MISMATCH'],
    ['another trailer', encodeTarTrailer('image.boot', 0), 'ERR_FORMAT_CORRUPT'],
    ['another size', encodeTarTrailer('rafs.blob.toc', 128), 'ERR_FORMAT_CORRUPT'],
  ])('refuses %s', (_, bytes, code) => {
    expect(() => parseTocFile(bytes)).toThrowError(expect.objectContaining({ code }))
  })
})

describe('locateBlobSections', () => {
  it('finds the data of builders that wrote its size as its offset', () => {
    const section = {
      compressor: 'none',
      digest: new Uint8Array(32),
      compressedOffset: 90_000,
      compressedSize: 90_000,
      uncompressedSize: 100_000,
    } as const
    const tail = formatTocFile([{ ...section, name: 'image.blob' }])
    expect(locateBlobSections(tail, 100_000).find('image.blob')).toMatchObject({ compressedOffset: 0 })
    const other = formatTocFile([{ ...section, name: 'image.boot' }])
    expect(() => locateBlobSections(other, 100_000)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
})
