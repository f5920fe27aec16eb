// SPDX-License-Identifier: Apache-2.0
import type { ChunkInfo } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { planLayout } from '../../src/bootstrap/plan-layout.ts'
import { selectChunkRecords } from '../../src/chunk/chunk-records.ts'
import { ChunkStore } from '../../src/tree/chunk-store.ts'
import { directory, emptyFile } from '../tree-builder.ts'

function chunk(digest: number, blobIndex: number, fileOffset: number, last = 0): ChunkInfo {
  const bytes = new Uint8Array(32).fill(digest)
  bytes[31] = last
  return {
    digest: bytes,
    blobIndex,
    flags: 0,
    compressedSize: 1,
    uncompressedSize: 1,
    compressedOffset: 0,
    uncompressedOffset: 0,
    fileOffset,
    chunkIndex: 0,
    crc32c: 0,
  }
}

describe('selectChunkRecords', () => {
  it('sorts by digest and blob, and keeps the record that is met last in the order of entries', () => {
    const store = new ChunkStore()
    const fileOf = (...chunks: ChunkInfo[]) =>
      emptyFile({ chunkStart: store.addAll(chunks), chunkCount: chunks.length })
    const deep = directory({ x: fileOf(chunk(5, 0, 1)) })
    const root = directory({
      a: deep,
      b: fileOf(chunk(5, 0, 2), chunk(9, 0, 3), chunk(5, 1, 4)),
      c: fileOf(chunk(9, 0, 5, 1), chunk(1, 0, 6)),
    })
    fileOf(chunk(0, 0, 7))
    const records = selectChunkRecords(planLayout(root, 4096), store)
    // The files of the root come before those of its subdirectories; what no file refers to is left out.
    expect([...records].map((record) => store.get(record).fileOffset)).toEqual([6, 1, 4, 3, 5])
  })

  it('sorts digests that begin alike by their other bytes', () => {
    const store = new ChunkStore()
    const alike = [3, 1, 2, 1].map((last, i) => chunk(7, 0, i, last))
    const root = directory({ a: emptyFile({ chunkStart: store.addAll(alike), chunkCount: 4 }) })
    const records = selectChunkRecords(planLayout(root, 4096), store)
    expect([...records].map((record) => store.get(record).fileOffset)).toEqual([3, 2, 0])
  })

  it('gives nothing for a tree without files', () => {
    expect(selectChunkRecords(planLayout(directory({}), 4096), new ChunkStore())).toEqual(new Uint32Array(0))
  })
})
