// SPDX-License-Identifier: Apache-2.0
import { BLOB_FEATURES, type BlobInfo, type ChunkInfo } from '@nydus/rafs-format'
import { describe, expect, test } from 'vitest'
import { chooseBlobs } from '../../src/compact/choose-blobs.ts'
import { type CompactOptions, planCompaction } from '../../src/compact/compact-options.ts'

interface Blob {
  /** Bytes of chunk data. */
  readonly size: number
  /** Bytes that files use; undefined for a blob that none uses. */
  readonly used: number | undefined
  readonly features?: number
}

function choose(blobs: readonly Blob[], options: CompactOptions, fixed: readonly number[] = []) {
  const infos = blobs.map(
    ({ size, features = 0 }, blobIndex) =>
      ({ blobIndex, compressedSize: size, uncompressedSize: size, features }) as BlobInfo,
  )
  const used = new Map(
    blobs.flatMap(({ used: bytes }, i) => {
      if (bytes === undefined) return []
      const chunks = new Map([[0, { uncompressedSize: bytes } as ChunkInfo]])
      return [[i, { chunks, size: bytes }] as const]
    }),
  )
  const { kept, rebuilt } = chooseBlobs(infos, used, planCompaction(options), ({ blobIndex }) =>
    fixed.includes(blobIndex),
  )
  return { kept: [...kept], rebuilt }
}

describe('chooseBlobs', () => {
  test('leaves out what is not used', () => {
    const blobs = [
      { size: 100, used: undefined },
      { size: 100, used: 100 },
    ]
    expect(choose(blobs, { compactBlobSize: 0 })).toEqual({ kept: [1], rebuilt: [] })
  })

  test('rewrites what is used less than the ratio', () => {
    const blobs = [
      { size: 100, used: 49 },
      { size: 100, used: 50 },
      { size: 100, used: 100 },
    ]
    expect(choose(blobs, { minUsedRatio: 50, compactBlobSize: 0 })).toEqual({ kept: [1, 2], rebuilt: [[0]] })
  })

  test('merges small ones, smallest first, up to the limit', () => {
    const blobs = [30, 10, 25, 20, 99].map((size) => ({ size, used: size }))
    const options = { compactBlobSize: 50, maxCompactSize: 60 }
    expect(choose(blobs, options)).toEqual({ kept: [0, 4], rebuilt: [[1, 3, 2]] })
  })

  test('a rewritten blob that became small is merged', () => {
    const blobs = [
      { size: 1000, used: 10 },
      { size: 20, used: 20 },
    ]
    expect(choose(blobs, { minUsedRatio: 50, compactBlobSize: 50 })).toEqual({ kept: [], rebuilt: [[0, 1]] })
  })

  test('one small blob alone stays', () => {
    expect(choose([{ size: 1, used: 1 }], {})).toEqual({ kept: [0], rebuilt: [] })
  })

  test('foreign blobs and those of a dictionary stay', () => {
    const { ZRAN, SEPARATE, EXTERNAL } = BLOB_FEATURES
    const blobs = [ZRAN | SEPARATE, EXTERNAL, 0].map((features) => ({ size: 100, used: 1, features }))
    expect(choose(blobs, { minUsedRatio: 99 }, [2])).toEqual({ kept: [0, 1, 2], rebuilt: [] })
  })
})
