// SPDX-License-Identifier: Apache-2.0
// v5 is in v5/content.test.ts and v5/eras.test.ts.
import { describe, expect, it } from 'vitest'
import { blobChunks, openBootstrap, readFileChunks, S_IFMT, walkTree } from '../src/index.ts'
import { output, v6Bootstraps } from './golden.ts'

const GOLDENS = v6Bootstraps().filter(({ id }) => !id.startsWith('own-chain'))
const TARFS = GOLDENS.filter(({ id }) => id.includes('tarfs'))

describe('blobChunks', () => {
  it.each(TARFS)('has the pieces of all files of $id in the order of the tar', ({ bytes }) => {
    const bootstrap = openBootstrap(bytes)
    const files = [...walkTree(bootstrap)].filter(({ inode }) => (inode.mode & S_IFMT) === 0x8000)
    const pieces = new Map(
      files
        .flatMap(({ inode }) => readFileChunks(bootstrap, inode.nid))
        .map((chunk) => [chunk.uncompressedOffset, { ...chunk, fileOffset: 0 }]),
    )
    const chunks = blobChunks(bootstrap, 0)
    const inOrder = [...pieces.values()].toSorted((a, b) => a.uncompressedOffset - b.uncompressedOffset)
    expect([...chunks]).toEqual(inOrder)
    expect(chunks.uncompressedSize).toBeLessThanOrEqual(bootstrap.blobs[0]?.uncompressedSize ?? 0)
    for (const chunk of inOrder) {
      expect(chunks.findOffset(chunk.uncompressedOffset + chunk.uncompressedSize - 1)).toEqual(chunk)
    }
  })
  it('covers tarfs images', () => expect(TARFS.length).toBeGreaterThan(2))

  it.each(GOLDENS.filter(({ id }) => !id.includes('tarfs')))(
    'has the chunk table of $id, blob by blob',
    ({ bytes }) => {
      const bootstrap = openBootstrap(bytes)
      const table = [...bootstrap.chunkTable()]
      for (const { blobIndex } of bootstrap.blobs) {
        const chunks = [...blobChunks(bootstrap, blobIndex)]
        const expected = table.filter((chunk) => chunk.blobIndex === blobIndex)
        expect(chunks).toEqual(expected.toSorted((a, b) => a.uncompressedOffset - b.uncompressedOffset))
        for (const chunk of chunks) {
          expect(blobChunks(bootstrap, blobIndex).find(blobIndex, chunk.chunkIndex)).toEqual(chunk)
        }
      }
    },
  )

  it('has none for a blob that is not there', () => {
    const bootstrap = openBootstrap(output('tiny-tar-v6', 'bootstrap'))
    const none = blobChunks(bootstrap, 7)
    expect([none.length, none.uncompressedSize, none.compressedSize]).toEqual([0, 0, 0])
    expect(none.findOffset(0)).toBeUndefined()
    expect(() => none.at(0)).toThrowError(expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }))
  })
})
