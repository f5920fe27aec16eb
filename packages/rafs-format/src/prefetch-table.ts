// SPDX-License-Identifier: Apache-2.0
/** The prefetch table: nids whose data a mount should fetch ahead. The root's nid means everything. */
import { checkRange } from '@nydus/base/binary'

const ENTRY_BYTES = 4

/** nids as u32, unpadded. */
export function encodePrefetchTable(nids: readonly number[]): Uint8Array {
  const table = new Uint8Array(nids.length * ENTRY_BYTES)
  const view = new DataView(table.buffer)
  for (const [i, nid] of nids.entries()) view.setUint32(i * ENTRY_BYTES, nid, true)
  return table
}

/** Reads up to the first zero. @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when the table leaves the bootstrap. */
export function decodePrefetchTable(bytes: Uint8Array, offset: number, size: number): number[] {
  checkRange(offset, size, bytes.length, 'prefetch table')
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size)
  const nids: number[] = []
  for (let at = 0; at + ENTRY_BYTES <= size; at += ENTRY_BYTES) {
    const nid = view.getUint32(at, true)
    if (nid === 0) break
    nids.push(nid)
  }
  return nids
}
