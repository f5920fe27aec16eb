// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ChunkDict } from '../../src/chunk/chunk-dict.ts'
import type { ChunkPool } from '../../src/chunk/chunk-pool.ts'
import { type BuildLayerOptions, checkChunkSize, planBuild } from '../../src/layer/build-options.ts'

const REQUIRED = { pool: {} as ChunkPool, sink: { write: () => undefined } }
const plan = (options: object) => planBuild({ ...REQUIRED, ...options } as BuildLayerOptions)

describe('planBuild', () => {
  it('defaults to layers of images', () => {
    expect(planBuild(REQUIRED)).toEqual({
      fsVersion: 6,
      compressor: 'zstd',
      digester: 'blake3',
      chunkSize: 0x100000,
      batchSize: 0,
      encrypt: false,
      alignedChunk: true,
      explicitOwners: true,
      whiteoutSpec: 'oci',
      prefetchPolicy: 'fs',
      inlineMeta: true,
      toc: true,
    })
  })

  it.each([
    [{ compressor: 'gzip' }, 'compressor "gzip" is not one of none, lz4_block, zstd'],
    [{ digester: 'md5' }, 'digester "md5" is not one of blake3, sha256'],
    [{ fsVersion: 7 }, 'fsVersion 7 is not one of 5, 6'],
    [{ whiteoutSpec: 'aufs' }, 'whiteoutSpec "aufs" is not one of oci, overlayfs, none'],
    [{ prefetchPolicy: 'all' }, 'prefetchPolicy "all" is not one of fs, blob, none'],
    [{ batchSize: 0x1800 }, 'batch size 6144 is neither 0 nor a power of two from 4096'],
    [{ batchSize: 0x800 }, 'batch size 2048 is neither'],
    [{ batchSize: 0x20000, chunkSize: 0x10000 }, 'to the chunk size, 65536'],
    [{ fsVersion: 5, blobToc: true }, 'RAFS v5 has no table of contents'],
    [{ fsVersion: 5, batchSize: 0x1000 }, 'RAFS v5 has no batches'],
    [{ fsVersion: 5, encrypt: true }, 'RAFS v5 has no place for the key'],
    [{ fsVersion: 5, blobInlineMeta: false, blobId: 'x'.repeat(256) }, 'a blob id has 1 to 255'],
    [{ bootstrapSink: REQUIRED.sink }, 'into the blob or to a sink of its own'],
    [{ blobId: 'id' }, 'a blob with its bootstrap inside cannot be given an id'],
    [{ blobInlineMeta: false, blobId: 'with space' }, 'a blob id has 1 to 64'],
    [{ blobInlineMeta: false, blobId: 'x'.repeat(65) }, 'a blob id has 1 to 64'],
  ])('refuses %j', (options, message) => {
    expect(() => plan(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_OPTION_CONFLICT',
        message: expect.stringContaining(message),
      }),
    )
  })

  it('refuses a dictionary of another chunk size', () => {
    const dict: ChunkDict = { chunkSize: 0x1000, digester: 'blake3', blobs: [], find: () => undefined }
    expect(() => plan({ dict })).toThrow(expect.objectContaining({ code: 'ERR_BUILD_DICT_MISMATCH' }))
    expect(plan({ dict, chunkSize: 0x1000 }).chunkSize).toBe(0x1000)
  })

  it.each([
    [{ fsVersion: 6 }, { fsVersion: 5 }, 'RAFS version 6, the layer is built with 5'],
    [{ explicitOwners: true }, { repeatable: true }, 'owners recorded: true, the layer is built with false'],
    [{ digester: 'sha256' }, { fsVersion: 5 }, 'digests by sha256, the layer is built with blake3'],
  ] as const)('refuses a dictionary of %j for %j', (members, options, message) => {
    const dict: ChunkDict = {
      chunkSize: 0x100000,
      digester: 'blake3',
      blobs: [],
      find: () => undefined,
      ...members,
    }
    expect(() => plan({ dict, ...options })).toThrow(
      expect.objectContaining({
        code: 'ERR_BUILD_DICT_MISMATCH',
        message: expect.stringContaining(message),
      }),
    )
  })

  it('has no table of contents in RAFS v5', () => {
    expect(plan({ fsVersion: 5 })).toMatchObject({ toc: false, inlineMeta: true, alignedChunk: false })
    expect(plan({ fsVersion: 5, alignedChunk: true }).alignedChunk).toBe(true)
  })
})

describe('checkChunkSize', () => {
  it.each([0x1000, 0x2000, 0x100000, 0x1000000])('takes 0x%x', (size) => {
    expect(() => checkChunkSize(size)).not.toThrow()
  })

  it.each([0, -4096, 0x800, 0xfff, 0x1001, 0x3000, 0x2000000, 4096.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses %d',
    (size) => {
      expect(() => checkChunkSize(size)).toThrow(
        expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
      )
    },
  )
})
