// SPDX-License-Identifier: Apache-2.0
// Files of v5 images, put together from the original's blobs, have the hashes that the original's mount showed.
import { createHash } from 'node:crypto'
import { decompressExact } from '@nydus/base/compress'
import { describe, expect, it } from 'vitest'
import {
  type Bootstrap,
  blobChunks,
  type ChunkInfo,
  fileExtents,
  inodeExtents,
  isCompressedChunk,
  openBootstrap,
  readChunkIndex,
  readFileChunks,
  readInode,
  S_IFMT,
  walkTree,
} from '../../src/index.ts'
import { listing, output, type StoredFile, v5Bootstraps } from '../golden.ts'

// The original cannot read what its own builder wrote there; we can.
const UNREADABLE = 'quirk-hardlink-xattr-tar-v5'
const GOLDENS = v5Bootstraps().filter(
  ({ id, fixture, output: name, bytes }) =>
    id !== UNREADABLE &&
    name === 'bootstrap' &&
    fixture.outputs?.blob?.path &&
    fixture.expected?.fuse?.path &&
    openBootstrap(bytes).blobs.length === 1,
)

function decode(bootstrap: Bootstrap, blob: Uint8Array, chunk: ChunkInfo): Uint8Array {
  const stored = blob.subarray(chunk.compressedOffset, chunk.compressedOffset + chunk.compressedSize)
  const { compressor } = bootstrap
  return isCompressedChunk(chunk) ? decompressExact(compressor, stored, chunk.uncompressedSize) : stored
}

/** The uncompressed blob, from the list of its chunks. */
function uncompress(bootstrap: Bootstrap, blob: Uint8Array): Uint8Array {
  const chunks = blobChunks(bootstrap, 0)
  const target = new Uint8Array(chunks.uncompressedSize)
  for (const chunk of chunks) target.set(decode(bootstrap, blob, chunk), chunk.uncompressedOffset)
  return target
}

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

describe('content of a v5 image', () => {
  it.each(GOLDENS)('$id', ({ id, bytes, fixture }) => {
    const bootstrap = openBootstrap(bytes)
    const blob = output(id, 'blob')
    const whole = uncompress(bootstrap, blob)
    const lines = listing(fixture.expected?.fuse as StoredFile)
    for (const { path, inode } of walkTree(bootstrap)) {
      if ((inode.mode & S_IFMT) !== 0x8000) continue
      const key = Buffer.concat(path.flatMap((name, i) => (i === 0 ? [name] : [Buffer.from('/'), name])))
      const line = lines.get(key.toString()) ?? lines.get(`base64:${key.toString('base64')}`)
      const content = readFileChunks(bootstrap, inode.nid).map((chunk) => decode(bootstrap, blob, chunk))
      expect(sha256(...content)).toBe(line?.sha256)
      for (const extents of [
        fileExtents(bootstrap, inode.nid, 0, inode.size),
        inodeExtents(bootstrap, inode, 0, Number.MAX_SAFE_INTEGER),
        inodeExtents(bootstrap, readInode(bootstrap, inode.nid), 0, inode.size + 1),
      ]) {
        const parts = extents.map(({ uncompressedOffset: at, length }) => whole.subarray(at, at + length))
        expect(sha256(...parts)).toBe(line?.sha256)
      }
    }
  })
  it('is compared for many images', () => expect(GOLDENS.length).toBeGreaterThan(50))

  it('is found from any offset on', () => {
    const golden = GOLDENS.find(({ id }) => id === 'mixed-tar-v5-zstd-blake3-0x1000000')
    const bootstrap = openBootstrap(golden?.bytes ?? new Uint8Array())
    for (const { inode } of walkTree(bootstrap)) {
      if ((inode.mode & S_IFMT) !== 0x8000 || inode.size === 0) continue
      const [whole] = fileExtents(bootstrap, inode.nid, 0, inode.size)
      const at = Math.floor(inode.size / 2)
      expect(fileExtents(bootstrap, inode.nid, at, 3)[0]?.uncompressedOffset).toBe(
        (whole?.uncompressedOffset ?? 0) + at,
      )
      expect(fileExtents(bootstrap, inode.nid, inode.size, 1)).toEqual([])
      expect(fileExtents(bootstrap, inode.nid, -1, 1)).toEqual([])
    }
  })
})

describe('chunks of a v5 image', () => {
  it.each(v5Bootstraps().filter(({ id }) => !id.startsWith('own-chain') && id !== UNREADABLE))(
    '$id ($output) are those of its files, in the order of the blobs',
    ({ bytes }) => {
      const bootstrap = openBootstrap(bytes)
      const table = [...bootstrap.chunkTable()]
      const listed = bootstrap.blobs.flatMap((_, i) => [...blobChunks(bootstrap, i)])
      expect(table).toEqual(listed)
      expect(Array.from(table, (_, i) => bootstrap.chunkTable().at(i))).toEqual(table)
      const used = new Set<string>()
      for (const { inode } of walkTree(bootstrap)) {
        if ((inode.mode & S_IFMT) !== 0x8000) continue
        for (const ref of readChunkIndex(bootstrap, inode.nid)) {
          const chunk = bootstrap.chunkTable().find(ref.blobIndex, ref.chunkIndex)
          expect(chunk?.uncompressedOffset).toBe(ref.uncompressedOffset)
          const middle = ref.uncompressedOffset + ref.length - 1
          expect(blobChunks(bootstrap, ref.blobIndex).findOffset(middle)?.chunkIndex).toBe(ref.chunkIndex)
          used.add(`${ref.blobIndex} ${ref.chunkIndex}`)
        }
      }
      expect(table).toHaveLength(used.size)
      for (const { blobIndex, uncompressedSize, compressedSize } of bootstrap.blobs) {
        const chunks = blobChunks(bootstrap, blobIndex)
        expect(chunks.uncompressedSize).toBeLessThanOrEqual(uncompressedSize)
        expect(chunks.compressedSize).toBeLessThanOrEqual(compressedSize)
        expect(chunks.findOffset(uncompressedSize)).toBeUndefined()
        expect(chunks.find(blobIndex + 1, 0)).toBeUndefined()
        expect(chunks.find(blobIndex, 2 ** 31)).toBeUndefined()
      }
      expect(blobChunks(bootstrap, bootstrap.blobs.length)).toHaveLength(0)
      expect(bootstrap.chunkTable().find(99, 0)).toBeUndefined()
      expect(() => bootstrap.chunkTable().at(table.length)).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_OUT_OF_RANGE' }),
      )
    },
  )
})
