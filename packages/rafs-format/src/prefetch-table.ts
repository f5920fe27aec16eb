// SPDX-License-Identifier: Apache-2.0
/** The prefetch table: nids whose data a mount should fetch ahead. The root's nid means everything. */
import { checkRange } from '@nydus/base/binary'

/** Bytes of one entry. */
export const PREFETCH_ENTRY_BYTES = 4

/** nids as u32, unpadded. */
export function encodePrefetchTable(nids: readonly number[]): Uint8Array {
  const table = new Uint8Array(nids.length * PREFETCH_ENTRY_BYTES)
  const view = new DataView(table.buffer)
  for (const [i, nid] of nids.entries()) view.setUint32(i * PREFETCH_ENTRY_BYTES, nid, true)
  return table
}

/**
 * Reads up to the first zero. Without an offset there is no table, whatever its size: old builders left it like that in
 * empty file systems.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when the table leaves the bootstrap.
 */
export function decodePrefetchTable(bytes: Uint8Array, offset: number, size: number): number[] {
  if (offset === 0 || size === 0) return []
  checkRange(offset, size, bytes.length, 'prefetch table')
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size)
  const nids: number[] = []
  for (let at = 0; at + PREFETCH_ENTRY_BYTES <= size; at += PREFETCH_ENTRY_BYTES) {
    const nid = view.getUint32(at, true)
    if (nid === 0) break
    nids.push(nid)
  }
  return nids
}
