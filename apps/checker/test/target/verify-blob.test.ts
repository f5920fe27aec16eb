// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { ByteRange } from '@nydus/base/binary'
import { codecOf } from '@nydus/base/compress'
import { type Digest, digestBytes } from '@nydus/base/digest'
import { DigestError, NydusError } from '@nydus/base/error'
import { type BlobInfo, type BlobMeta, blobCipher, type ChunkInfo, openBootstrap } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { describe, expect, it } from 'vitest'
import { planPieces } from '../../src/target/plan-pieces.ts'
import { readTargetMeta } from '../../src/target/target-meta.ts'
import { verifyBlob } from '../../src/target/verify-blob.ts'
import { goldens } from '../golden-image.ts'

const CODING = { compressor: 'zstd', digester: 'blake3' } as const
const BLOB = { blobId: 'b', blobIndex: 0, chunkSize: 0x1000, ...CODING } as BlobInfo
const plain = Buffer.alloc(0x1000, 'plain')
const packed = codecOf('zstd').compress(plain)

function chunk(index: number, changes: Partial<ChunkInfo>): ChunkInfo {
  return {
    digest: digestBytes('blake3', plain),
    blobIndex: 0,
    flags: 0,
    compressedSize: plain.length,
    uncompressedSize: plain.length,
    compressedOffset: index * plain.length,
    uncompressedOffset: index * 0x1000,
    fileOffset: 0,
    chunkIndex: index,
    crc32c: 0,
    ...changes,
  }
}

async function* stream(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

describe('verifyBlob', () => {
  const raw = chunk(0, {})
  const compressed = chunk(1, { flags: CHUNK_FLAGS.COMPRESSED, compressedSize: packed.length })

  it('counts chunks that have their digest', async () => {
    const plan = planPieces(BLOB, [compressed, raw], undefined, plain.length + packed.length)
    const proof = await verifyBlob(stream(plain, packed), plan, CODING)
    expect(proof).toEqual({ badChunks: new Map(), goodChunkCount: 2, fault: undefined })
  })

  it('names chunks with other bytes and those that do not decode', async () => {
    const plan = planPieces(BLOB, [raw, compressed], undefined, plain.length + packed.length)
    const proof = await verifyBlob(
      stream(Buffer.alloc(0x1000, 'other'), Buffer.alloc(packed.length)),
      plan,
      CODING,
    )
    expect(proof.goodChunkCount).toBe(0)
    expect(proof.badChunks.get(0)).toBe('does not have its blake3 digest')
    expect(proof.badChunks.get(1)).toMatch(/^does not decode: /)
  })

  it('a wrong or missing blob is a fault, and what was not read is bad', async () => {
    const plan = planPieces(BLOB, [raw, compressed], undefined, plain.length + packed.length)
    async function* cut() {
      yield plain
      throw new DigestError('ERR_SIZE_MISMATCH', 'too short')
    }
    const proof = await verifyBlob(cut(), plan, CODING)
    expect(proof).toEqual({
      badChunks: new Map([[1, 'could not be read']]),
      goodChunkCount: 1,
      fault: 'too short',
    })
  })

  it('a registry that fails is an error', async () => {
    const failure = new NydusError('ERR_REGISTRY_UNAVAILABLE', 'busy')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield plain
      throw failure
    }
    const plan = planPieces(BLOB, [raw], undefined, plain.length)
    await expect(verifyBlob(failing(), plan, CODING)).rejects.toBe(failure)
  })
})

describe('planPieces', () => {
  it('orders pieces by their place and counts a chunk once', () => {
    const { pieces } = planPieces(BLOB, [chunk(2, {}), chunk(0, {}), chunk(2, {})], undefined, 0x10000)
    expect(pieces.map(({ offset }) => offset)).toEqual([0, 0x2000])
  })

  it.each([
    [
      'overlap the one before',
      chunk(1, { compressedOffset: 0x800 }),
      /overlaps the chunk before it, at 0x800/,
    ],
    ['end behind the blob', chunk(1, { compressedOffset: 0x2000 }), /ends behind the blob's 12287 bytes/],
    [
      'are larger than the chunk size',
      chunk(1, { uncompressedSize: 0x1001 }),
      /more than the chunk size 4096/,
    ],
    ['are in a batch that nothing tells about', chunk(1, { flags: CHUNK_FLAGS.BATCH }), /does not say which/],
    ['have 2^30 stored bytes', chunk(1, { compressedSize: 2 ** 30 }), /has 1073741824 stored bytes/],
  ])('chunks that %s are faults', (_, bad, message) => {
    const { pieces, faults } = planPieces(BLOB, [chunk(0, {}), bad], undefined, 0x2fff)
    expect(pieces).toHaveLength(1)
    expect(faults.get(1)).toMatch(message)
  })

  it('chunks of one batch are one piece', async () => {
    const batch = codecOf('zstd').compress(plain)
    const meta = {
      chunkCount: 2,
      chunk: (index: number) => ({ compressedOffset: 0, batch: { context: 0, offset: index * 0x800 } }),
      batchContext: () => ({ compressedSize: batch.length, uncompressedSize: plain.length }),
    } as unknown as BlobMeta
    const half = (index: number) =>
      chunk(index, {
        compressedSize: 0,
        uncompressedSize: 0x800,
        digest: digestBytes('blake3', plain.subarray(index * 0x800, (index + 1) * 0x800)),
      })
    const plan = planPieces(BLOB, [half(0), half(1)], meta, batch.length)
    expect(plan.pieces).toHaveLength(1)
    expect(await verifyBlob(stream(batch), plan, CODING)).toMatchObject({
      goodChunkCount: 2,
      fault: undefined,
    })
  })
})

describe('blobs that the original built', () => {
  function blobOf(id: string) {
    const fixture = goldens.fixture(id)
    const bootstrap = openBootstrap(goldens.output(fixture, 'bootstrap'))
    const blob = bootstrap.blobs[0]
    if (blob === undefined) throw new Error('no blob')
    const { compressor, digester } = blob
    const output = goldens.output(fixture, 'blob')
    return { blob, coding: { compressor, digester }, chunks: [...bootstrap.chunkTable()], output }
  }

  it('encrypted: every chunk is proved with the key, and none with another', async () => {
    const { blob, coding, chunks, output } = blobOf('mixed-v6-encrypt')
    const plan = planPieces(blob, chunks, undefined, output.length)
    const proof = await verifyBlob(stream(output), plan, { ...coding, cipher: blobCipher(blob) })
    expect([proof.goodChunkCount, proof.badChunks.size]).toEqual([22, 0])
    const cipher = { key: Uint8Array.from({ length: 32 }, (_, i) => i), iv: new Uint8Array(16) }
    const wrong = await verifyBlob(stream(output), plan, { ...coding, cipher })
    expect([wrong.goodChunkCount, wrong.badChunks.size]).toEqual([0, 22])
    const keyless = await verifyBlob(stream(output), plan, coding)
    expect(keyless.badChunks.get(0)).toContain('no key')
  })

  it.each(['mixed-zran-l6', 'mixed-zran-multi', 'mixed-zran-flush', 'mixed-estargz-ref'])(
    '%s: every chunk is proved out of the gzip file, and a damaged byte is found',
    async (id) => {
      const { blob, coding, chunks, output } = blobOf(id)
      const store = {
        readBlobRange: async (_: Digest, { offset, length }: ByteRange) =>
          output.slice(offset, offset + length),
      }
      const meta = await readTargetMeta(blob, store, undefined)
      const source = goldens.fixture(id).source ?? ''
      const gzip = readFileSync(new URL(`../../../../fixtures/${source}`, import.meta.url))
      const plan = planPieces(blob, chunks, meta, gzip.length)
      const proof = await verifyBlob(stream(gzip), plan, coding)
      expect([proof.goodChunkCount, proof.badChunks.size]).toEqual([chunks.length, 0])
      gzip.writeUInt8(gzip.readUInt8(gzip.length >> 1) ^ 1, gzip.length >> 1)
      expect((await verifyBlob(stream(gzip), plan, coding)).badChunks.size).toBeGreaterThan(0)
    },
  )
})
