// SPDX-License-Identifier: Apache-2.0
/** The superblock of a v5 bootstrap, read, checked and written. */
import { checkRange, isPowerOfTwo } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { SUPER_FLAGS } from '../flags.ts'
import {
  V5_ALIGNMENT,
  V5_MAGIC,
  V5_SUPER_BYTES,
  V5_VERSION,
  V5ExtendedBlobEntry,
  V5SuperBlockRecord,
} from '../layout/v5.ts'

/** The members of the superblock that vary. Offsets are bytes from the start of the bootstrap. */
export interface V5SuperBlock {
  /** Bytes. */
  readonly chunkSize: number
  /** SUPER_FLAGS. */
  readonly flags: bigint
  /** Unique inodes: a hard-linked file counts once. */
  readonly inodeCount: number
  readonly inodeTableOffset: number
  /** Number of nodes, every hard link counted. */
  readonly inodeTableEntries: number
  readonly prefetchTableOffset: number
  readonly prefetchTableEntries: number
  readonly blobTableOffset: number
  /** Bytes. */
  readonly blobTableSize: number
  /** 0 from builders before v1.1. */
  readonly extendedBlobTableOffset: number
  /** 0 from builders before v1.1. */
  readonly extendedBlobTableEntries: number
}

const MIN_CHUNK_BYTES = 0x1000
const MAX_CHUNK_BYTES = 0x100_0000
const TABLE_ENTRY_BYTES = 4
const KNOWN_FLAGS = Object.values(SUPER_FLAGS).reduce((all, bit) => all | bit, 0n)

/** The 8192-byte superblock. */
export function encodeV5SuperBlock(superBlock: V5SuperBlock): Uint8Array {
  return V5SuperBlockRecord.encode({
    ...superBlock,
    magic: V5_MAGIC,
    version: V5_VERSION,
    superBlockSize: V5_SUPER_BYTES,
  })
}

/** Tells whether `bytes` start as RAFS bootstraps of version 5 and before do. */
export function hasV5Magic(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) === V5_MAGIC
}

/**
 * Reads and checks the superblock: every table lies inside the bootstrap and none over another.
 * @throws {FormatError} ERR_FORMAT_BAD_MAGIC, ERR_FORMAT_UNSUPPORTED_VERSION for versions before 5, ERR_FORMAT_TRUNCATED,
 *   ERR_FORMAT_UNSUPPORTED_FEATURE, ERR_FORMAT_MISALIGNED, ERR_FORMAT_OUT_OF_RANGE, ERR_FORMAT_U64_OVERFLOW,
 *   ERR_FORMAT_CORRUPT.
 */
export function decodeV5SuperBlock(bytes: Uint8Array): V5SuperBlock {
  const { magic, version, superBlockSize, ...members } = V5SuperBlockRecord.decode(bytes)
  checkVersion(magic, version)
  if (superBlockSize !== V5_SUPER_BYTES) {
    throw corrupt(`superblock of ${superBlockSize} bytes, v5 has ${V5_SUPER_BYTES}`, { superBlockSize })
  }
  if (bytes.length % V5_ALIGNMENT !== 0) {
    throw corrupt(`bootstrap of ${bytes.length} bytes is not a multiple of ${V5_ALIGNMENT}`, {
      size: bytes.length,
    })
  }
  checkFlags(members.flags)
  checkChunkSize(members.chunkSize)
  const { inodeCount, inodeTableEntries } = members
  if (inodeTableEntries === 0 || inodeCount > inodeTableEntries) {
    throw corrupt(`superblock: ${inodeCount} inodes in a table of ${inodeTableEntries}`, {
      inodeCount,
      inodeTableEntries,
    })
  }
  checkTables(members, bytes.length)
  return members
}

function checkVersion(magic: number, version: number): void {
  if (magic !== V5_MAGIC) {
    throw new FormatError('ERR_FORMAT_BAD_MAGIC', `no RAFS v5 bootstrap: magic is 0x${magic.toString(16)}`, {
      details: { expected: V5_MAGIC, found: magic },
    })
  }
  if (version === V5_VERSION) return
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_VERSION',
    `RAFS version 0x${version.toString(16)}, this reader knows 0x${V5_VERSION.toString(16)} and v6`,
    { details: { version }, hint: 'convert the image again' },
  )
}

function checkFlags(flags: bigint): void {
  const unknown = flags & ~KNOWN_FLAGS
  if (unknown === 0n) return
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `unknown superblock flags 0x${unknown.toString(16)}`,
    { details: { flags: `0x${flags.toString(16)}` } },
  )
}

function checkChunkSize(chunkSize: number): void {
  if (isPowerOfTwo(chunkSize) && chunkSize >= MIN_CHUNK_BYTES && chunkSize <= MAX_CHUNK_BYTES) return
  throw corrupt(`chunk size ${chunkSize} is not a power of two in ${MIN_CHUNK_BYTES}..${MAX_CHUNK_BYTES}`, {
    chunkSize,
  })
}

interface Table {
  readonly name: string
  readonly offset: number
  readonly size: number
}

function checkTables(superBlock: V5SuperBlock, limit: number): void {
  const tables = [
    {
      name: 'inode table',
      offset: superBlock.inodeTableOffset,
      size: superBlock.inodeTableEntries * TABLE_ENTRY_BYTES,
    },
    {
      name: 'prefetch table',
      offset: superBlock.prefetchTableOffset,
      size: superBlock.prefetchTableEntries * TABLE_ENTRY_BYTES,
    },
    { name: 'blob table', offset: superBlock.blobTableOffset, size: superBlock.blobTableSize },
    {
      name: 'extended blob table',
      offset: superBlock.extendedBlobTableOffset,
      size: superBlock.extendedBlobTableEntries * V5ExtendedBlobEntry.size,
    },
  ]
  for (const table of tables) checkTable(table, limit)
  const sorted = tables.filter(({ size }) => size > 0).sort((a, b) => a.offset - b.offset)
  for (const [i, table] of sorted.entries()) {
    const next = sorted[i + 1]
    if (next === undefined || table.offset + table.size <= next.offset) continue
    throw corrupt(`${table.name} overlaps ${next.name} at 0x${next.offset.toString(16)}`, {
      offset: next.offset,
    })
  }
}

function checkTable({ name, offset, size }: Table, limit: number): void {
  if (offset % V5_ALIGNMENT !== 0) {
    throw new FormatError(
      'ERR_FORMAT_MISALIGNED',
      `${name} at 0x${offset.toString(16)} is not at a multiple of ${V5_ALIGNMENT}`,
      { details: { offset } },
    )
  }
  // Builders leave offsets of empty tables at anything.
  if (size === 0) return
  checkRange(offset, size, limit, name)
  if (offset < V5_SUPER_BYTES) {
    throw corrupt(`${name} at 0x${offset.toString(16)} overlaps the superblock`, { offset })
  }
}

function corrupt(message: string, details: Record<string, unknown>): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', message, { details })
}
