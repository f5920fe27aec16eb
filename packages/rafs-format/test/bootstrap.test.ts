// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openBootstrap, readDirectory, walkTree } from '../src/index.ts'
import { fixture, output, v6Bootstraps } from './golden.ts'
import { dir, madeBlob, makeBootstrap } from './make-bootstrap.ts'

const ROOT = { nid: 128, mode: 0o40755, entries: [dir('.', 128), dir('..', 128)] }

function codeOf(bytes: Uint8Array): string {
  try {
    openBootstrap(bytes)
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'opened'
}

function patched(offset: number, ...values: readonly number[]): Uint8Array {
  const bytes = makeBootstrap([ROOT], { blobs: [madeBlob(0, 0x3000)] })
  bytes.set(values, offset)
  return bytes
}

describe('openBootstrap', () => {
  it.each(v6Bootstraps('all'))('opens $id and finds its blobs', ({ bytes, fixture: golden }) => {
    const bootstrap = openBootstrap(bytes)
    const { blob_ids } = golden as unknown as { blob_ids?: readonly string[] }
    const ids = bootstrap.blobs.map(({ blobId }) => blobId)
    if (blob_ids && !ids.some((id) => id.startsWith('xxxx'))) expect(ids).toEqual(blob_ids)
    expect(bootstrap.rootNid).toBe(128)
  })

  it('reads what the original tool says about a bootstrap', () => {
    const { inodeCount, blobs, compressor, digester, chunkSize } = openBootstrap(
      output('tiny-tar-v6', 'bootstrap'),
    )
    const { inspect } = fixture('tiny-tar-v6') as unknown as {
      inspect: { stats: object; blobs: readonly object[] }
    }
    expect({ inodes_count: inodeCount }).toEqual(inspect.stats)
    expect(inspect.blobs).toMatchObject([
      {
        blob_id: blobs[0]?.blobId,
        compressed_size: blobs[0]?.compressedSize,
        decompressed_size: blobs[0]?.uncompressedSize,
      },
    ])
    expect({ compressor, digester, chunkSize }).toEqual({
      compressor: 'zstd',
      digester: 'blake3',
      chunkSize: 0x100000,
    })
  })

  it('reads from shared memory without copying it', () => {
    const bytes = output('names-tar-v6', 'bootstrap')
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 4096), 4096)
    shared.set(bytes)
    const bootstrap = openBootstrap(shared)
    expect(bootstrap.bytes.buffer).toBe(shared.buffer)
    expect([...walkTree(bootstrap)]).toHaveLength([...walkTree(openBootstrap(bytes))].length)
  })

  it('touches nothing but superblocks and blob table', () => {
    const bytes = output('many-tar-v6', 'bootstrap')
    const bootstrap = openBootstrap(bytes)
    bytes.fill(0xff, bootstrap.metaOffset)
    expect(openBootstrap(bytes).blobs).toHaveLength(1)
    expect(() => [...readDirectory(openBootstrap(bytes), 128)]).toThrowError()
  })

  it('refuses versions before 5 with a clear message', () => {
    const v4 = output('tiny-tar-v5', 'bootstrap')
    v4[5] = 4
    expect(() => openBootstrap(v4)).toThrowError(
      expect.objectContaining({
        code: 'ERR_FORMAT_UNSUPPORTED_VERSION',
        message: expect.stringContaining('0x400'),
      }),
    )
  })

  it.each([
    ['nothing', new Uint8Array(0), 'ERR_FORMAT_TRUNCATED'],
    ['zeros', new Uint8Array(8192), 'ERR_FORMAT_BAD_MAGIC'],
    ['gzip data', new Uint8Array(8192).fill(0x1f, 0, 1).fill(0x8b, 1, 2), 'ERR_FORMAT_BAD_MAGIC'],
    ['a checksum', patched(1024 + 4, 1), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['no RAFS bit', patched(1024 + 8, 0, 0, 0, 0), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['blocks of 2^16', patched(1024 + 12, 16), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['blocks of 512 without the tarfs flag', patched(1024 + 12, 9), 'ERR_FORMAT_CORRUPT'],
    ['extra superblock slots', patched(1024 + 13, 1), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['no inodes', patched(1024 + 16, 0, 0, 0, 0, 0, 0, 0, 0), 'ERR_FORMAT_CORRUPT'],
    ['an unknown incompatible feature', patched(1024 + 80, 0x1c), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['more devices than blobs', patched(1024 + 86, 2), 'ERR_FORMAT_CORRUPT'],
    ['an unknown flag', patched(1152 + 1, 0x04), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['two compressors', patched(1152, 0xa6), 'ERR_FORMAT_CORRUPT'],
    ['no digester', patched(1152, 0xa0), 'ERR_FORMAT_CORRUPT'],
    ['a chunk size that is no power of two', patched(1152 + 20, 1, 0x10, 0, 0), 'ERR_FORMAT_CORRUPT'],
    ['a blob table behind the end', patched(1152 + 8, 0, 0, 0, 1), 'ERR_FORMAT_OUT_OF_RANGE'],
    ['a meta address behind the end', patched(1024 + 40, 0, 0, 1, 0), 'ERR_FORMAT_OUT_OF_RANGE'],
    ['a size above 2^53', patched(0x1000 + 96 + 7, 0x7f), 'ERR_FORMAT_U64_OVERFLOW'],
    ['a blob id that is a path', patched(0x1000, 0x2f), 'ERR_FORMAT_CORRUPT'],
    ['no blob id', patched(0x1000, 0), 'ERR_FORMAT_CORRUPT'],
    ['a wrong blob index', patched(0x1000 + 64, 1), 'ERR_FORMAT_CORRUPT'],
    ['an unknown blob compressor', patched(0x1000 + 76, 9), 'ERR_FORMAT_UNSUPPORTED_COMPRESSION'],
    ['an unknown blob digester', patched(0x1000 + 80, 9), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['an unknown blob feature', patched(0x1000 + 85, 0x10), 'ERR_FORMAT_UNSUPPORTED_FEATURE'],
    ['a chunk array that does not fit the count', patched(0x1000 + 128, 0x31), 'ERR_FORMAT_CORRUPT'],
    ['a sound one', patched(0, 0), 'opened'],
  ])('meets %s', (_, bytes, code) => expect(codeOf(bytes)).toBe(code))

  it('refuses a blob id of dots, which would leave the cache directory', () => {
    for (const blobId of ['.', '..']) {
      expect(codeOf(makeBootstrap([ROOT], { blobs: [{ ...madeBlob(0, 0x1000), blobId }] }))).toBe(
        'ERR_FORMAT_CORRUPT',
      )
    }
  })
})
