// SPDX-License-Identifier: Apache-2.0
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { DigestError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import { decodeLayer, detectCompression } from '../../src/decode/decode-layer.ts'
import { DecodeThread } from '../../src/decode/decode-thread.ts'
import { manifest, readStored, readTree } from '../fixture-store.ts'
import { collect, noise, pieces, prose } from '../layer-bytes.ts'

const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])
const PLAIN = Buffer.concat([prose(700_000), noise(600_000), new Uint8Array(3_000_000)])

type Decode = (stream: AsyncIterable<Uint8Array>, stored: Uint8Array) => AsyncIterable<Uint8Array>
const thread = new DecodeThread()
const WAYS: readonly (readonly [string, Decode])[] = [
  ['on the thread pool', (stream) => decodeLayer(stream)],
  [
    'in a decode thread',
    (stream, stored) => thread.decode(stream, detectCompression(stored) as 'gzip' | 'zstd', () => undefined),
  ],
]

describe.each(WAYS)('decoding %s', (_way, decode) => {
  const decodeBytes = (stored: Uint8Array, size?: number) => collect(decode(pieces(stored, size), stored))

  it.each([
    ['gzip', gzipSync(PLAIN)],
    ['zstd', zstdCompressSync(PLAIN)],
    [
      'gzip of several members',
      Buffer.concat([gzipSync(PLAIN.subarray(0, 5)), gzipSync(Buffer.alloc(0)), gzipSync(PLAIN.subarray(5))]),
    ],
    ['gzip with zeros behind it', Buffer.concat([gzipSync(PLAIN), Buffer.alloc(70_000)])],
    [
      'zstd of several frames',
      Buffer.concat([
        zstdCompressSync(PLAIN.subarray(0, 5)),
        SKIPPABLE,
        zstdCompressSync(PLAIN.subarray(5)),
        SKIPPABLE,
      ]),
    ],
    ['zstd that starts with a skippable frame', Buffer.concat([SKIPPABLE, zstdCompressSync(PLAIN)])],
  ])('gives the plain bytes of %s', async (_, stored) => {
    for (const size of [1 << 20, 65_536, 4097])
      expect((await decodeBytes(stored, size)).equals(PLAIN)).toBe(true)
  })

  it('takes single bytes', async () => {
    for (const stored of [gzipSync(PLAIN.subarray(0, 3000)), zstdCompressSync(PLAIN.subarray(0, 3000))]) {
      expect((await decodeBytes(stored, 1)).equals(PLAIN.subarray(0, 3000))).toBe(true)
    }
  })

  it.each([
    ['gzip', gzipSync(PLAIN)],
    ['zstd', zstdCompressSync(PLAIN)],
    ['second gzip member', Buffer.concat([gzipSync(Buffer.from('whole')), gzipSync(PLAIN)])],
    ['second zstd frame', Buffer.concat([zstdCompressSync(Buffer.from('whole')), zstdCompressSync(PLAIN)])],
  ])('says that a cut %s is truncated', async (_, stored) => {
    for (const missing of [1, 8, 1000]) {
      await expect(decodeBytes(stored.subarray(0, -missing))).rejects.toMatchObject({
        code: 'ERR_DECOMPRESS_FAILED',
        message: expect.stringMatching(/^truncated (gzip|zstd) layer$/),
      })
    }
  })

  it.each([
    ['gzip', gzipSync(PLAIN)],
    ['zstd', zstdCompressSync(PLAIN)],
  ])('refuses garbage behind %s', async (_, stored) => {
    await expect(decodeBytes(Buffer.concat([stored, Buffer.from('garbage')]))).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_FAILED',
    })
  })

  it('refuses damaged gzip', async () => {
    const stored = gzipSync(PLAIN)
    stored.fill(0xaa, 5000, 5100)
    await expect(decodeBytes(stored)).rejects.toMatchObject({ code: 'ERR_DECOMPRESS_FAILED' })
  })

  it('passes on the failure of its source, also one that comes at the very end', async () => {
    const failure = new DigestError('ERR_DIGEST_MISMATCH', 'the digest differs')
    for (const stored of [gzipSync(PLAIN), Buffer.concat([gzipSync(PLAIN), Buffer.alloc(200_000)])]) {
      async function* failing() {
        yield* pieces(stored)
        throw failure
      }
      await expect(collect(decode(failing(), stored))).rejects.toBe(failure)
    }
  })

  it('lets go of its source when the reader stops', async () => {
    const stored = gzipSync(noise(8 << 20))
    let closed = false
    async function* source() {
      try {
        yield* pieces(stored)
      } finally {
        closed = true
      }
    }
    for await (const bytes of decode(source(), stored)) {
      expect(bytes.length).toBeGreaterThan(0)
      break
    }
    for (let turns = 0; !closed && turns < 1000; turns++)
      await new Promise((resolve) => setTimeout(resolve, 1))
    expect(closed).toBe(true)
    expect((await decodeBytes(gzipSync(PLAIN))).equals(PLAIN)).toBe(true)
  })
})

describe('decodeLayer', () => {
  it.each(['mixed.l1', 'mixed.l6', 'mixed.l9', 'mixed.flush', 'mixed.z3'])(
    'decodes the fixture %s',
    async (name) => {
      const form = compressedForms().find(({ path }) => path?.includes(`/${name}.tar.`))
      if (form === undefined) throw new Error(`no fixture ${name}`)
      const stored = readStored({ ...form, encoding: 'identity' })
      expect((await collect(decodeLayer(pieces(stored)))).equals(readTree('mixed'))).toBe(true)
    },
  )

  it('passes plain bytes and an empty stream', async () => {
    expect((await collect(decodeLayer(pieces(readTree('tiny'))))).equals(readTree('tiny'))).toBe(true)
    expect((await collect(decodeLayer(pieces(new Uint8Array(0))))).length).toBe(0)
  })

  it('stops at a limit', async () => {
    const bomb = gzipSync(Buffer.alloc(50 << 20))
    await expect(collect(decodeLayer(pieces(bomb), { maxBytes: 1 << 20 }))).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_TOO_LARGE',
    })
  })

  it.each([
    ['bzip2', 'BZh91AY&SY'],
    ['xz', '\xfd7zXZ\x00\x00\x04'],
  ])('names %s, which layers cannot have', async (name, text) => {
    await expect(collect(decodeLayer(pieces(Buffer.from(text, 'latin1'), 2)))).rejects.toMatchObject({
      code: 'ERR_FORMAT_UNSUPPORTED_COMPRESSION',
      details: { found: name },
    })
  })
})

function compressedForms(): { path?: string; sha256: string; size: number }[] {
  const found: { path?: string; sha256: string; size: number }[] = []
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    if ('sha256' in value && 'path' in value)
      found.push(value as { path: string; sha256: string; size: number })
    else for (const member of Object.values(value)) visit(member)
  }
  visit((manifest as unknown as { compressed_forms: unknown }).compressed_forms)
  return found
}
