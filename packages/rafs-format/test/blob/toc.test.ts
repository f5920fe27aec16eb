// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { decompressExact } from '@nydus/base/compress'
import { describe, expect, it } from 'vitest'
import {
  blobTailSize,
  decodeToc,
  encodeTarTrailer,
  encodeToc,
  hexText,
  locateBlobSections,
  openBootstrap,
} from '../../src/index.ts'
import { TOC_ENTRY_NAMES } from '../../src/layout/index.ts'
import { load, MANIFEST, output } from '../golden.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Layer blobs of the original with a ToC, each once. */
const WITH_TOC = [
  ...new Map(
    MANIFEST.fixtures.flatMap(({ id, outputs }) => {
      const file = outputs?.blob
      if (!file?.path || file.size < 1024 || /encrypt/.test(id)) return []
      const bytes = load(file)
      const named = Buffer.from(bytes.subarray(-512, -512 + 13)).toString() === 'rafs.blob.toc'
      return named ? [[file.sha256, { id, bytes }] as const] : []
    }),
  ).values(),
]

describe('ToC of the original', () => {
  it.each(WITH_TOC)('$id: entries and trailer come out of our encoders byte for byte', ({ bytes }) => {
    const { toc, sections } = locateBlobSections(bytes.subarray(-blobTailSize(bytes.length)), bytes.length)
    const entries = encodeToc(sections)
    const written = Buffer.concat([entries, encodeTarTrailer(TOC_ENTRY_NAMES.TOC, entries.length)])
    expect(toc?.size).toBe(written.length)
    expect(written.toString('hex')).toBe(Buffer.from(bytes.subarray(toc?.offset)).toString('hex'))
    const derived = encodeToc(sections.map(({ flags: _, ...section }) => section))
    expect(Buffer.compare(derived, entries)).toBe(0)
  })

  it.each(WITH_TOC)('$id: every section has the digest that the ToC gives', ({ bytes }) => {
    const { sections } = locateBlobSections(bytes.subarray(-blobTailSize(bytes.length)), bytes.length)
    for (const { name, compressor, compressedOffset, compressedSize, uncompressedSize, digest } of sections) {
      const stored = bytes.subarray(compressedOffset, compressedOffset + compressedSize)
      // The digest of the data section includes its trailer.
      const content =
        name === TOC_ENTRY_NAMES.BLOB
          ? bytes.subarray(compressedOffset, compressedOffset + compressedSize + 512)
          : decompressExact(compressor, stored, uncompressedSize)
      expect(`${name} ${sha256(content)}`).toBe(`${name} ${hexText(digest)}`)
      if (name === TOC_ENTRY_NAMES.BOOTSTRAP) expect(openBootstrap(content).rootNid).toBe(128)
    }
  })

  it('covers blobs with and without data', () => {
    expect(WITH_TOC.length).toBeGreaterThan(10)
  })
})

describe('encodeToc', () => {
  const section = {
    name: 'blob.meta.header',
    digest: new Uint8Array(32).fill(1),
    compressedOffset: 1,
    compressedSize: 2,
    uncompressedSize: 3,
  }
  it('keeps a name of 16 characters and every compressor', () => {
    for (const compressor of ['none', 'zstd', 'lz4_block'] as const) {
      expect(decodeToc(encodeToc([{ ...section, compressor }]))).toMatchObject([{ ...section, compressor }])
    }
  })
  it('refuses gzip, which has no flag', () => {
    expect(() => encodeToc([{ ...section, compressor: 'gzip' }])).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_COMPRESSION' }),
    )
  })
  it('ignores the garbage that old builders left at the end of an entry', () => {
    const toc = encodeToc([{ ...section, compressor: 'none' }])
    toc.fill(0xaa, 124)
    expect(decodeToc(toc)).toMatchObject([section])
  })
})

describe('locateBlobSections', () => {
  it('finds the raw bootstrap of a blob without ToC', () => {
    const blob = output('mixed-v6-inline', 'blob')
    const { toc, find } = locateBlobSections(blob.subarray(-512), blob.length)
    const bootstrap = find(TOC_ENTRY_NAMES.BOOTSTRAP)
    expect(toc).toBeUndefined()
    const start = bootstrap?.compressedOffset ?? 0
    expect(openBootstrap(blob.subarray(start, start + (bootstrap?.compressedSize ?? 0))).inodeCount).toBe(30)
    expect(find(TOC_ENTRY_NAMES.META)).toBeUndefined()
  })
  it.each([
    ['a blob without trailers', output('tiny-tar-v6', 'blob'), 'ERR_FORMAT_BAD_MAGIC'],
    ['zeros', new Uint8Array(4096), 'ERR_FORMAT_BAD_MAGIC'],
    ['nothing', new Uint8Array(0), 'ERR_FORMAT_TRUNCATED'],
    ['another last section', encodeTarTrailer('image.blob', 0), 'ERR_FORMAT_BAD_MAGIC'],
    ['a bootstrap larger than the blob', encodeTarTrailer('image.boot', 1), 'ERR_FORMAT_OUT_OF_RANGE'],
    ['a ToC larger than the tail', encodeTarTrailer('rafs.blob.toc', 128), 'ERR_FORMAT_TRUNCATED'],
    ['a ToC of 8 GiB', encodeTarTrailer('rafs.blob.toc', 2 ** 33), 'ERR_FORMAT_TRUNCATED'],
  ])('refuses %s', (_, blob, code) => {
    expect(() => locateBlobSections(blob.subarray(-4096), blob.length)).toThrowError(
      expect.objectContaining({ code }),
    )
  })
  it('refuses sections that leave the blob', () => {
    const toc = encodeToc([
      {
        name: 'image.boot',
        compressor: 'none',
        digest: new Uint8Array(32),
        compressedOffset: 10,
        compressedSize: 2 ** 40,
        uncompressedSize: 2 ** 40,
      },
    ])
    const tail = new Uint8Array(Buffer.concat([toc, encodeTarTrailer('rafs.blob.toc', toc.length)]))
    expect(() => locateBlobSections(tail, 10_000)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
  it('asks for at most 4096 bytes, and for whole entries of small blobs', () => {
    expect([0, 100, 1000, 5000, 2 ** 40].map(blobTailSize)).toEqual([0, 0, 896, 4096, 4096])
  })
})
