// SPDX-License-Identifier: Apache-2.0
// Images of older builders: the same files, and chunks that can be told apart.
import { describe, expect, it } from 'vitest'
import {
  type Bootstrap,
  blobChunks,
  fileExtents,
  openBootstrap,
  readChunkIndex,
  readFileChunks,
  S_IFMT,
  validateBootstrap,
  walkTree,
} from '../../src/index.ts'
import { output } from '../golden.ts'
import { listingOf } from '../listing-of.ts'
import { toEra100, toEra110, toIndexOrder, withHoleFlags } from './derive-era.ts'

const IDS = [
  'mixed-tar-v5-lz4_block-blake3',
  'layers-merge-v5-layers',
  'names-tar-v5',
  'mixed-tar-v5-zstd-blake3-0x1000',
]
const ERAS = [
  ['v1.0.0', toEra100],
  ['v1.1', toEra110],
  ['index order', toIndexOrder],
  ['holes', withHoleFlags],
  ['v1.0.0 in index order with holes', (bytes: Uint8Array) => withHoleFlags(toIndexOrder(toEra100(bytes)))],
] as const
const CASES = IDS.flatMap((id) => ERAS.map(([era, derive]) => ({ id, era, derive })))

function files(bootstrap: Bootstrap): { nid: number; size: number }[] {
  return [...walkTree(bootstrap)]
    .filter(({ inode, repeated }) => !repeated && (inode.mode & S_IFMT) === 0x8000)
    .map(({ inode: { nid, size } }) => ({ nid, size }))
}

function extentsOf(bootstrap: Bootstrap): unknown {
  return files(bootstrap).map(({ nid, size }) => [
    fileExtents(bootstrap, nid, 0, size),
    fileExtents(bootstrap, nid, Math.floor(size / 3), Math.ceil(size / 2)),
  ])
}

describe('a v5 image as older builders wrote it', () => {
  it.each(CASES)('$id, $era', ({ id, era, derive }) => {
    const today = output(id, 'bootstrap')
    const bytes = derive(today)
    expect(Buffer.compare(bytes, today)).not.toBe(0)
    expect(validateBootstrap(bytes)).toEqual([])
    const [old, now] = [openBootstrap(bytes), openBootstrap(today)]
    const undated = (bootstrap: Bootstrap): unknown =>
      [...listingOf(bootstrap)].map(([path, line]) => [
        path,
        era.startsWith('v1.0.0') ? { ...line, mtime: 0, mtime_ns: 0 } : line,
      ])
    expect(undated(old)).toEqual(undated(now))
    expect(extentsOf(old)).toEqual(extentsOf(now))
    expect(old.blobs.map(({ blobId }) => blobId)).toEqual(now.blobs.map(({ blobId }) => blobId))
  })

  it.each(IDS)(
    '%s of v1.0.0: chunks are numbered in the order of the blob, sizes are where they end',
    (id) => {
      const [old, now] = [
        openBootstrap(toEra100(output(id, 'bootstrap'))),
        openBootstrap(output(id, 'bootstrap')),
      ]
      for (const { blobIndex, chunkCount } of now.blobs) {
        const chunks = [...blobChunks(old, blobIndex)]
        expect(old.blobs[blobIndex]).toMatchObject({ chunkCount: 0, uncompressedSize: 0, features: 0 })
        expect(chunks.map(({ chunkIndex }) => chunkIndex)).toEqual(chunks.map((_, i) => i))
        expect(chunks.length).toBeLessThanOrEqual(chunkCount)
        const stored = chunks.map(({ compressedOffset }) => compressedOffset)
        expect(stored).toEqual(stored.toSorted((a, b) => a - b))
        const same = blobChunks(now, blobIndex)
        expect(blobChunks(old, blobIndex).uncompressedSize).toBe(same.uncompressedSize)
        expect(blobChunks(old, blobIndex).compressedSize).toBe(same.compressedSize)
      }
      for (const { nid } of files(old)) {
        const refs = readChunkIndex(old, nid)
        expect(readFileChunks(old, nid).map(({ chunkIndex }) => chunkIndex)).toEqual(
          refs.map(({ chunkIndex }) => chunkIndex),
        )
        for (const { blobIndex, chunkIndex, uncompressedOffset } of refs) {
          expect(old.chunkTable().find(blobIndex, chunkIndex)?.uncompressedOffset).toBe(uncompressedOffset)
        }
      }
    },
  )

  it('has no extent for a real hole, which no builder wrote', () => {
    const bytes = withHoleFlags(output('mixed-tar-v5-zstd-blake3-0x1000', 'bootstrap'))
    const bootstrap = openBootstrap(bytes)
    const file = files(bootstrap).find(({ size }) => size > 0x3000)
    const [chunk] = readFileChunks(bootstrap, file?.nid ?? 0)
    const at = Buffer.from(bytes).indexOf(chunk?.digest ?? 'none')
    new DataView(bytes.buffer).setUint32(at + 44, 0x800, true)
    expect(() => fileExtents(openBootstrap(bytes), file?.nid ?? 0, 0, 0x2000)).toThrowError(
      expect.objectContaining({
        code: 'ERR_FORMAT_CORRUPT',
        message: expect.stringContaining('no chunk holds'),
      }),
    )
  })
})
