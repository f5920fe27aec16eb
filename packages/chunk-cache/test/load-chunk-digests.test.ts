// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ByteRange } from '@nydus/base/binary'
import type { BlobInfo } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { chunkDigests } from '../src/index.ts'
import { loadChunkDigests } from '../src/load-chunk-digests.ts'
import * as golden from './golden.ts'

const bootstrap = golden.bootstrapOf('layers-merge-v6-layers')

function layer(): { blob: BlobInfo; bytes: Uint8Array } {
  const blob = bootstrap.blobs[1]
  if (blob === undefined) throw new Error('no blob')
  return { blob, bytes: golden.blobById(blob.blobId) }
}

function places(blob: BlobInfo, bytes: Uint8Array) {
  const directory = golden.scratch(onTestFinished)
  return {
    blob,
    path: join(directory, 'x.blob.digest'),
    tocPath: join(directory, 'x.blob.toc'),
    blobSize: async () => bytes.length,
    fetch: async ({ offset, length }: ByteRange) => bytes.slice(offset, offset + length),
  }
}

describe('loadChunkDigests', () => {
  it('finds the digests that the bootstrap has as well, and keeps them', async () => {
    const { blob, bytes } = layer()
    const asked = places(blob, bytes)
    const own = await loadChunkDigests(asked)
    const table = chunkDigests(bootstrap)(1)
    let compared = 0
    for (let index = 0; index < blob.chunkCount; index++) {
      const expected = table(index)
      if (expected === undefined) continue
      expect(Buffer.from(own(index) ?? []).equals(expected)).toBe(true)
      compared++
    }
    // The merged image shows only some files of the layer.
    expect(compared).toBeGreaterThan(3)
    expect(readFileSync(asked.path)).toHaveLength(32 * blob.chunkCount)
    expect(readFileSync(asked.tocPath).equals(bytes.subarray(bytes.length - (blob.tocSize || 4096)))).toBe(
      true,
    )
    const again = await loadChunkDigests({ ...asked, fetch: () => Promise.reject(new Error('not needed')) })
    expect(Buffer.from(again(0) ?? [])).toEqual(Buffer.from(own(0) ?? []))
  })

  it('refuses digests or a ToC that were changed', async () => {
    const { blob, bytes } = layer()
    const digestAt = Buffer.from(bytes).indexOf(chunkDigests(bootstrap)(1)(1) ?? 'none', blob.metaOffset)
    for (const at of [digestAt, bytes.length - blob.tocSize]) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 1
      await expect(loadChunkDigests(places(blob, damaged))).rejects.toMatchObject({
        code: 'ERR_DIGEST_MISMATCH',
      })
    }
  })

  it('gives nothing for blobs without the section', async () => {
    const { blob, bytes } = layer()
    const own = await loadChunkDigests(places({ ...blob, features: 1 }, bytes))
    expect(own(0)).toBeUndefined()
  })
})
