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
      compressor: 'zstd',
      digester: 'blake3',
      chunkSize: 0x100000,
      inlineMeta: true,
      toc: true,
    })
  })

  it.each([
    [{ compressor: 'gzip' }, 'compressor "gzip" is not one of none, lz4_block, zstd'],
    [{ digester: 'md5' }, 'digester "md5" is not one of blake3, sha256'],
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
