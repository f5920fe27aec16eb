// SPDX-License-Identifier: Apache-2.0
/**
 * Bootstraps as older builders wrote them, made of today's: no such images are among the fixtures. What differs is known from
 * the original's history: see the functions.
 */
import { readV5Record, S_IFMT, type V5Bootstrap, type V5Inode } from '../../src/index.ts'
import { ChunkRecord, V5_SUPER_BYTES, V5InodeRecord, V5SuperBlockRecord } from '../../src/layout/index.ts'
import { v5RecordSize } from '../../src/v5/inode.ts'
import { encodeV5InodeTable } from '../../src/v5/inode-table.ts'
import { openV5 } from './open-v5.ts'

const CHUNK_HAS_CRC32C = 0x10
const MTIME_BYTES = 20

/** v1.0.0: no extended blob table, no mtime, and zeros where a chunk's index and CRC are now. */
export function toEra100(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  const bootstrap = openV5(bytes)
  for (const record of records(bootstrap)) {
    const at = record.bootstrapOffset + V5InodeRecord.offsets.mtimeNsec
    changed.fill(0, at, at + MTIME_BYTES)
    for (const chunk of chunkOffsets(record)) {
      changed.fill(0, chunk + ChunkRecord.offsets.chunkIndex, chunk + ChunkRecord.size)
      const flags = chunk + ChunkRecord.offsets.flags
      changed[flags] = (changed[flags] ?? 0) & ~CHUNK_HAS_CRC32C
    }
  }
  const { extendedBlobTableOffset, extendedBlobTableEntries } = bootstrap.superBlock
  const cut = extendedBlobTableEntries * 64
  const without = Buffer.concat([
    changed.subarray(0, extendedBlobTableOffset),
    changed.subarray(extendedBlobTableOffset + cut),
  ])
  const { offsets } = V5SuperBlockRecord
  without.fill(0, offsets.extendedBlobTableEntries, offsets.extendedBlobTableOffset + 8)
  without.set(
    encodeV5InodeTable(records(bootstrap).map(({ bootstrapOffset }) => bootstrapOffset - cut)),
    V5_SUPER_BYTES,
  )
  return new Uint8Array(without)
}

/** v1.1: there is an extended blob table, but no features in it. */
export function toEra110(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  const { extendedBlobTableOffset, extendedBlobTableEntries } = openV5(bytes).superBlock
  for (let i = 0; i < extendedBlobTableEntries; i++) {
    changed.fill(0, extendedBlobTableOffset + i * 64 + 4, extendedBlobTableOffset + i * 64 + 8)
  }
  return changed
}

/** Up to 2.2: records lie in the order of their indexes, not depth first. */
export function toIndexOrder(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  const all = records(openV5(bytes))
  let at = Math.min(...all.map(({ bootstrapOffset }) => bootstrapOffset))
  const offsets = all.map((record) => {
    const size = v5RecordSize(record)
    changed.set(bytes.subarray(record.bootstrapOffset, record.bootstrapOffset + size), at)
    at += size
    return at - size
  })
  changed.set(encodeV5InodeTable(offsets), V5_SUPER_BYTES)
  return changed
}

/** Early builders: files say that they may have holes, so that chunks have to be looked for. */
export function withHoleFlags(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  for (const record of records(openV5(bytes))) {
    const flags = record.bootstrapOffset + V5InodeRecord.offsets.flags
    if ((record.mode & S_IFMT) === 0x8000) changed[flags] = (changed[flags] ?? 0) | 0x8
  }
  return changed
}

function records(bootstrap: V5Bootstrap): V5Inode[] {
  const { inodeTableEntries } = bootstrap.superBlock
  return Array.from({ length: inodeTableEntries }, (_, i) => readV5Record(bootstrap, i + 1))
}

function chunkOffsets(record: V5Inode): number[] {
  if ((record.mode & S_IFMT) !== 0x8000) return []
  return Array.from({ length: record.childCount }, (_, i) => record.tailOffset + i * ChunkRecord.size)
}
