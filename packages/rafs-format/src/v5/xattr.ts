// SPDX-License-Identifier: Apache-2.0
/**
 * Extended attributes of v5: they follow name and symlink target of the inode.
 *
 *   body size u64 · pairs, each: pair size u32 · name · NUL · value · then zero pad to 8
 */
import { alignUp, ByteReader } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { V5_ALIGNMENT } from '../layout/v5.ts'
import type { Xattr } from '../xattr.ts'

/** Bytes of the field before the pairs. */
export const V5_XATTR_HEAD_BYTES = 8
const PAIR_HEAD_BYTES = 4
const NUL = 0

/** Bytes of the pairs without padding. */
export function v5XattrBodySize(xattrs: readonly Xattr[]): number {
  return xattrs.reduce((sum, { name, value }) => sum + PAIR_HEAD_BYTES + name.length + 1 + value.length, 0)
}

/** Bytes of the whole area; 0 when there are no xattrs. */
export function v5XattrAreaSize(xattrs: readonly Xattr[]): number {
  return xattrs.length === 0 ? 0 : V5_XATTR_HEAD_BYTES + alignUp(v5XattrBodySize(xattrs), V5_ALIGNMENT)
}

/** Writes the area at `at`; no xattrs write nothing. */
export function encodeV5XattrsInto(target: Uint8Array, at: number, xattrs: readonly Xattr[]): void {
  if (xattrs.length === 0) return
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
  view.setBigUint64(at, BigInt(v5XattrBodySize(xattrs)), true)
  let pair = at + V5_XATTR_HEAD_BYTES
  for (const { name, value } of xattrs) {
    view.setUint32(pair, name.length + 1 + value.length, true)
    target.set(name, pair + PAIR_HEAD_BYTES)
    target[pair + PAIR_HEAD_BYTES + name.length] = NUL
    target.set(value, pair + PAIR_HEAD_BYTES + name.length + 1)
    pair += PAIR_HEAD_BYTES + name.length + 1 + value.length
  }
  target.fill(0, pair, at + v5XattrAreaSize(xattrs))
}

/**
 * Reads pairs in disk order. Names and values are views into `body`.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED when a pair crosses the end, ERR_FORMAT_CORRUPT for a pair without a name.
 */
export function decodeV5Xattrs(body: Uint8Array): readonly Xattr[] {
  const reader = new ByteReader(body, 'xattrs')
  const xattrs: Xattr[] = []
  while (reader.remaining > 0) {
    const pair = reader.bytes(reader.u32())
    const end = pair.indexOf(NUL)
    if (end <= 0) {
      throw new FormatError('ERR_FORMAT_CORRUPT', `xattr of ${pair.length} bytes without a name`, {
        details: { size: pair.length },
      })
    }
    xattrs.push({ name: pair.subarray(0, end), value: pair.subarray(end + 1) })
  }
  return xattrs
}
