// SPDX-License-Identifier: Apache-2.0
import { deflateRawSync } from 'node:zlib'
import { crc32c } from '@nydus/base/binary'
import { encryptXts } from '@nydus/base/cipher'
import { codecOf } from '@nydus/base/compress'
import { digestBytes } from '@nydus/base/digest'
import { type ChunkMeta, openBlobMeta } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { type DecodeContext, decodeUnit } from '../src/decode-chunk.ts'
import { randomChunk } from './made-blob.ts'

const plain: ChunkMeta = {
  uncompressedOffset: 0,
  uncompressedSize: 100,
  compressedOffset: 0,
  compressedSize: 100,
  compressed: false,
  encrypted: false,
}

function context(
  chunks: readonly ChunkMeta[],
  options: Partial<DecodeContext> = {},
  batchSizes = [0, 0],
): DecodeContext {
  const [compressedSize = 0, uncompressedSize = 0] = batchSizes
  return {
    blobId: 'b',
    layout: {
      ...openBlobMeta(new Uint8Array(), { features: 0, chunkCount: 0 }),
      chunkCount: chunks.length,
      chunk: (index) => chunks[index] ?? plain,
      batchContext: () => ({ compressedSize, uncompressedSize }),
    },
    compressor: 'zstd',
    digester: 'blake3',
    expectedDigest: () => undefined,
    ...options,
  }
}

const unit = { first: 0, last: 0, offset: 0, length: 0 }
const content = randomChunk(100, 1)

describe('decodeUnit', () => {
  it('gives raw chunks as they are and unpacks compressed ones', () => {
    expect(decodeUnit(context([plain]), unit, content)).toEqual([content])
    const text = new Uint8Array(5000).fill(65)
    const packed = codecOf('zstd').compress(text)
    const chunk = { ...plain, uncompressedSize: 5000, compressedSize: packed.length, compressed: true }
    expect(decodeUnit(context([chunk]), unit, packed)[0]).toEqual(Buffer.from(text))
  })

  it.each([
    ['too few raw bytes', plain, content.subarray(1), 'ERR_SIZE_MISMATCH'],
    ['too many raw bytes', plain, randomChunk(101, 1), 'ERR_DECOMPRESS_TOO_LARGE'],
    ['bytes that do not unpack', { ...plain, compressed: true }, content, 'ERR_DECOMPRESS_FAILED'],
    ['a wrong CRC', { ...plain, crc32c: crc32c(content) ^ 1 }, content, 'ERR_DIGEST_MISMATCH'],
  ])('refuses %s', (_, chunk, stored, code) => {
    expect(() => decodeUnit(context([chunk]), unit, stored)).toThrow(expect.objectContaining({ code }))
  })

  it('trusts a digest more than a CRC', () => {
    const digest = digestBytes('blake3', content)
    const wrongCrc = context([{ ...plain, crc32c: 1 }], { expectedDigest: () => digest })
    expect(decodeUnit(wrongCrc, unit, content)).toEqual([content])
    const wrongDigest = context([{ ...plain, crc32c: crc32c(content) }], {
      expectedDigest: () => digest.map((byte) => byte ^ 1),
    })
    expect(() => decodeUnit(wrongDigest, unit, content)).toThrow(
      expect.objectContaining({ code: 'ERR_DIGEST_MISMATCH' }),
    )
  })

  it('cuts a batch into its chunks', () => {
    const whole = new Uint8Array(300).map((_, i) => i / 100)
    const packed = codecOf('zstd').compress(whole)
    const chunks = [0, 1, 2].map((i) => ({
      ...plain,
      compressed: true,
      batch: { context: 0, offset: i * 100 },
    }))
    const decoded = decodeUnit(context(chunks, {}, [packed.length, 300]), { ...unit, last: 2 }, packed)
    expect(decoded.map((bytes) => [bytes[0], bytes.length])).toEqual([
      [0, 100],
      [1, 100],
      [2, 100],
    ])
    const raw = decodeUnit(context(chunks, {}, [300, 300]), { ...unit, last: 2 }, whole)
    expect(Buffer.concat(raw)).toEqual(Buffer.from(whole))
  })

  it('refuses a chunk that leaves its batch, and a batch without end', () => {
    const chunk = { ...plain, compressed: true, batch: { context: 0, offset: 250 } }
    const run = (sizes: number[]): unknown =>
      decodeUnit(context([chunk], {}, sizes), unit, new Uint8Array(300))
    expect(() => run([300, 300])).toThrow(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
    expect(() => run([300, 0xffff_ffff])).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
  })
})

describe('encrypted chunks', () => {
  const cipher = { key: randomChunk(32, 7), iv: randomChunk(16, 8) }

  it('are decrypted before they are decompressed', () => {
    const text = new Uint8Array(5000).fill(65)
    const packed = codecOf('zstd').compress(text)
    const chunk = { ...plain, uncompressedSize: 5000, compressed: true, encrypted: true }
    expect(decodeUnit(context([chunk], { cipher }), unit, encryptXts(packed, cipher))).toEqual([
      Buffer.from(text),
    ])
  })

  it('may be shorter than a block', () => {
    const chunk = { ...plain, uncompressedSize: 5, encrypted: true }
    const stored = encryptXts(content.subarray(0, 5), cipher)
    expect(decodeUnit(context([chunk], { cipher }), unit, stored)).toEqual([content.subarray(0, 5)])
  })

  it('are no good without a key, or with another', () => {
    const chunk = { ...plain, encrypted: true, crc32c: crc32c(content) }
    const stored = encryptXts(content, cipher)
    expect(() => decodeUnit(context([chunk]), unit, stored)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
    )
    const other = { ...cipher, key: randomChunk(32, 9) }
    expect(() => decodeUnit(context([chunk], { cipher: other }), unit, stored)).toThrow(
      expect.objectContaining({ code: 'ERR_DIGEST_MISMATCH' }),
    )
  })
})

describe('chunks of a zran context', () => {
  const text = Buffer.from('The first part. And the second part of it.')
  const deflated = deflateRawSync(text)
  const point = {
    ...{ inOffset: 0, outOffset: 0, dictionaryOffset: 0, dictionarySize: 0, previousByte: 0, unusedBits: 0 },
    ...{ inSize: deflated.length, outSize: text.length },
  }
  const chunks = [
    { ...plain, uncompressedSize: 15, zran: { context: 0, offset: 0 } },
    { ...plain, uncompressedSize: 26, zran: { context: 0, offset: 16 } },
  ]
  const zran = (outSize: number): DecodeContext => {
    const made = context(chunks)
    const layout = {
      ...made.layout,
      zranContext: () => ({ ...point, outSize }),
      zranDictionary: () => new Uint8Array(),
    }
    return { ...made, layout }
  }

  it('are inflated together and cut out', () => {
    const decoded = decodeUnit(zran(text.length), { ...unit, last: 1 }, deflated)
    expect(decoded.map((bytes) => Buffer.from(bytes).toString())).toEqual([
      'The first part.',
      'And the second part of it.',
    ])
  })

  it('do not leave their context, and a context has an end', () => {
    expect(() => decodeUnit(zran(30), { ...unit, last: 1 }, deflated)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
    expect(() => decodeUnit(zran(0xffff_ffff), { ...unit, last: 1 }, deflated)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
    )
    expect(() => decodeUnit(zran(text.length), { ...unit, last: 1 }, deflated.subarray(0, 9))).toThrow(
      expect.objectContaining({ name: 'DigestError' }),
    )
  })
})
