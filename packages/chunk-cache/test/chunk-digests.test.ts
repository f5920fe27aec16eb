// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { chunkDigests } from '../src/index.ts'
import * as golden from './golden.ts'

describe('chunkDigests', () => {
  it('finds what the chunk table finds, for every blob and chunk', () => {
    const bootstrap = golden.bootstrapOf('layers-merge-v6-layers')
    const digests = chunkDigests(bootstrap)
    const table = bootstrap.chunkTable()
    let found = 0
    for (const { blobIndex, chunkCount } of bootstrap.blobs) {
      const ofBlob = digests(blobIndex)
      for (let index = 0; index < chunkCount; index++) {
        const expected = table.find(blobIndex, index)?.digest
        expect(ofBlob(index)).toEqual(expected)
        if (expected !== undefined) found++
      }
      expect(ofBlob(chunkCount)).toBeUndefined()
    }
    expect(found).toBe(table.length)
    expect(digests(99)(0)).toBeUndefined()
  })

  it('takes a digest of zeros for none', () => {
    const bootstrap = golden.bootstrapOf('tiny-tar-v6')
    expect(chunkDigests(bootstrap)(0)(0)).toBeDefined()
    bootstrap.chunkTable().at(0).digest.fill(0)
    expect(chunkDigests(bootstrap)(0)(bootstrap.chunkTable().at(0).chunkIndex)).toBeUndefined()
  })
})
