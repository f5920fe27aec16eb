// SPDX-License-Identifier: Apache-2.0
/** The inode offset table of a v5 bootstrap: entry `index − 1` is the offset of an inode record, in units of 8 bytes. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import type { V5Bootstrap } from '../bootstrap.ts'
import { V5_ALIGNMENT, V5_SUPER_BYTES } from '../layout/v5.ts'

const ENTRY_BYTES = 4
/** Readers refuse larger entries, so a bootstrap is smaller than 4 GiB. */
const MAX_ENTRY = 2 ** 29

/** Bytes of the table of `entries` nodes, padding included. */
export function v5InodeTableSize(entries: number): number {
  return alignUp(entries * ENTRY_BYTES, V5_ALIGNMENT)
}

/**
 * The table with its padding.
 * @param offsets of the inode records by index − 1, in bytes from the start of the bootstrap: multiples of 8.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE for offsets that no entry can hold.
 */
export function encodeV5InodeTable(offsets: Iterable<number> & { readonly length: number }): Uint8Array {
  const table = new Uint8Array(v5InodeTableSize(offsets.length))
  const view = new DataView(table.buffer)
  let at = 0
  for (const offset of offsets) {
    const entry = offset / V5_ALIGNMENT
    if (!isEntry(entry)) throw outOfRange(at / ENTRY_BYTES + 1, offset)
    view.setUint32(at, entry, true)
    at += ENTRY_BYTES
  }
  return table
}

/**
 * Where the record of `index` starts, in bytes from the start of the bootstrap.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE for an index that the table does not have and for an impossible offset.
 */
export function v5RecordOffset(bootstrap: V5Bootstrap, index: number): number {
  const { superBlock, view } = bootstrap
  if (!(index >= 1 && index <= superBlock.inodeTableEntries && Number.isInteger(index))) {
    throw new FormatError(
      'ERR_FORMAT_OUT_OF_RANGE',
      `inode ${index}: the bootstrap has ${superBlock.inodeTableEntries}`,
      { details: { index, entries: superBlock.inodeTableEntries } },
    )
  }
  const entry = view.getUint32(superBlock.inodeTableOffset + (index - 1) * ENTRY_BYTES, true)
  if (!isEntry(entry)) throw outOfRange(index, entry * V5_ALIGNMENT)
  return entry * V5_ALIGNMENT
}

function isEntry(entry: number): boolean {
  return Number.isInteger(entry) && entry > V5_SUPER_BYTES / V5_ALIGNMENT && entry < MAX_ENTRY
}

function outOfRange(index: number, offset: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `inode table: entry of inode ${index} is 0x${offset.toString(16)}`,
    { details: { index, offset } },
  )
}
